"""The combination of the gradients that moves equally far along each of them."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._equal_cosines import equal_cosines
from keras_mtl.balancing.balancing import GradientBalancing, Seen

LEAST = 0.01
"""Of the sum of the weights, in the sum of their absolute values."""


@keras.saving.register_keras_serializable("keras_mtl")
class IMTLGrad(GradientBalancing):
    """Takes the sum of the gradients that is as long along each of them: IMTL-G.

    The weights, some of which may be below zero, sum to T; as published, to 1. There are gradients
    for which that means to go backwards, so that every loss rises: with a norm far smaller than
    that of the others. There, and where the weights would all but cancel out, the direction is
    turned, and their absolute values sum to T instead.

    Source: Liu et al., "Towards Impartial Multi-task Learning", ICLR 2021.

    Args:
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> weights = keras_mtl.balancing.IMTLGrad()(np.ones(2), np.array([[1.0, 0.0], [0.0, 9.0]]))
    >>> np.asarray(weights).round(3)
    array([1.5, 0.5], dtype=float32)
    """

    def __init__(self, at: Any = "features", **options: Any) -> None:
        super().__init__(at, **options)

    def weigh(self, seen: Seen) -> Tensor:
        weights = equal_cosines(seen) / seen.norms
        total, size = ops.sum(weights), ops.sum(ops.abs(weights))
        return seen.count * weights / ops.where(total > LEAST * size, total, size)
