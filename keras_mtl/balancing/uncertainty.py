"""Weights by the uncertainty of each task, which is learned."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._adam import Adam
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing.balancing import LossBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class Uncertainty(LossBalancing):
    """Learns how uncertain each task is, and weights it the less.

    Each task i has a number `s_i`, the logarithm of a variance, which minimises
    `exp(-s_i) / 2 · L_i + s_i / 2` along with the model. The weight of the loss is `exp(-s_i) / 2`,
    which tends to `1 / (2 · L_i)`. As published, a loss of 1 has weight 1/2 in the end.

    The numbers are learned by an Adam of their own, not by the model's optimizer: its weight decay
    would draw them to 0, and at its rate they would hardly move.

    Source: Kendall et al., "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene
    Geometry and Semantics", CVPR 2018.

    Args:
        learning_rate: of the numbers: by so much one moves in a step, at most.
        start: first value of each number.
        **options: `on_nan` and `name`, as of `Balancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.Uncertainty(learning_rate=0.1)
    >>> losses = np.array([4.0, 0.1])
    >>> for _ in range(100):
    ...     weights = balancing(losses)
    >>> np.asarray(weights * losses).round(1).tolist()
    [0.5, 0.5]
    """

    # The sum would have no lower bound.
    needs_positive = True
    learned = "log_variance"

    def __init__(self, learning_rate: float = 0.01, start: float = 0.0, **options: Any) -> None:
        super().__init__(**options)
        self.learning_rate = check_number("learning_rate", learning_rate, 0, above=True)
        self.start = check_number("start", start)

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        super().build(losses_shape)
        start = np.full(losses_shape, self.start)
        self._adam = Adam(self, self.learned, start, self.learning_rate)

    def weigh(self, seen: Seen) -> Tensor:
        precision = ops.exp(-self._adam.values)
        self._adam.update(0.5 * (1.0 - precision * seen.losses), seen.known)
        return 0.5 * precision

    def get_config(self) -> Config:
        own = {"learning_rate": self.learning_rate, "start": self.start}
        return {**own, **super().get_config()}
