"""Weights by which the gradients of all tasks are as long."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._logs import SMALLEST
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class DBMTL(GradientBalancing):
    """Makes the gradients of all tasks as long as the longest one of the logarithms of the losses.

    The weights are `max_j(|g_j| / L_j) / |g_i|`, as published, of a sum, for gradients g and losses
    L: of no unit of a loss. It is the form without a moving average of the gradients, which would
    be T times the memory of the weights: in the authors' code that is its `beta` of 0.

    Source: Lin et al., "Dual-Balancing for Multi-Task Learning", arXiv 2308.12029.

    Args:
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> losses, gramian = np.array([1.0, 6.0]), np.array([[1.0, 0.0], [0.0, 9.0]])
    >>> np.asarray(keras_mtl.balancing.DBMTL()(losses, gramian)).round(3)
    array([1.   , 0.333], dtype=float32)
    """

    # Their logarithms are what is learned.
    needs_positive = True
    # That of the logarithm, then.
    weighs_alone = True

    def __init__(self, at: Any = "weights", **options: Any) -> None:
        super().__init__(at, **options)

    def weigh(self, seen: Seen) -> Tensor:
        lengths = seen.mask * seen.norms / ops.maximum(seen.losses, SMALLEST)
        return ops.max(lengths) / seen.norms
