"""Weights by which all losses become equal."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing.balancing import Seen
from keras_mtl.balancing.uncertainty import Uncertainty


@keras.saving.register_keras_serializable("keras_mtl")
class IMTLLoss(Uncertainty):
    """Learns weights by which the losses of all tasks become 1: IMTL-L.

    Each task i has a number `s_i`, which minimises `exp(s_i) · L_i - s_i` along with the model, by
    an Adam of its own. The weight of the loss is `exp(s_i)`, which tends to `1 / L_i`: twice
    that of `Uncertainty`, whose logarithm of a variance is `-s_i`.

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

    learned = "log_weight"

    def weigh(self, seen: Seen) -> Tensor:
        weights = ops.exp(self._adam.values)
        self._adam.update(weights * seen.losses - 1.0, seen.known)
        return weights
