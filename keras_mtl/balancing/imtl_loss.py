"""Weights by which all losses become equal."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._adam import Adam
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing.balancing import LossBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class IMTLLoss(LossBalancing):
    """Learns weights by which the losses of all tasks become 1: IMTL-L.

    Each task i has a number `s_i`, which minimises `exp(s_i) · L_i - s_i` along with the model, by
    an Adam of its own. The weight of the loss is `exp(s_i)`, which tends to `1 / L_i`.

    Source: Liu et al., "Towards Impartial Multi-task Learning", ICLR 2021.

    Args:
        learning_rate: of the numbers: by so much one moves in a step, at most.
        start: first value of each number.
        **options: `on_nan` and `name`, as of `Balancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.IMTLLoss(learning_rate=0.1)
    >>> losses = np.array([4.0, 0.1])
    >>> for _ in range(100):
    ...     weights = balancing(losses)
    >>> np.asarray(weights * losses).round(1).tolist()
    [1.0, 1.0]
    """

    # The sum would have no lower bound.
    needs_positive = True

    def __init__(self, learning_rate: float = 0.01, start: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.learning_rate = check_number("learning_rate", learning_rate, 0, above=True)
        self.start = check_number("start", start)

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        super().build(losses_shape)
        start = np.full(losses_shape, self.start)
        self._adam = Adam(self, "log_weight", start, self.learning_rate)

    def weigh(self, seen: Seen) -> Tensor:
        weights = ops.exp(self._adam.values)
        self._adam.update(weights * seen.losses - 1.0, seen.known)
        return weights

    def get_config(self) -> Config:
        own = {"learning_rate": self.learning_rate, "start": self.start}
        return {**own, **super().get_config()}
