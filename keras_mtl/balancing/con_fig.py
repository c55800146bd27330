"""The direction that has the same angle to the gradient of each task."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._equal_cosines import equal_cosines
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class ConFIG(GradientBalancing):
    """Goes where the angles to the gradients of all tasks are the same.

    How far is the sum of what the gradients themselves go in that direction, as published. No
    task's loss rises along it, to the first order; a weight may still be below zero.

    Source: Liu et al., "ConFIG: Towards Conflict-free Training of Physics Informed Neural
    Networks", arXiv 2408.11104, equation 2.

    Args:
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> weights = keras_mtl.balancing.ConFIG()(np.ones(2), np.array([[1.0, 0.0], [0.0, 9.0]]))
    >>> np.asarray(weights).round(3)
    array([2.   , 0.667], dtype=float32)
    """

    def __init__(self, at: Any = "weights", **options: Any) -> None:
        super().__init__(at, **options)

    def weigh(self, seen: Seen) -> Tensor:
        units = equal_cosines(seen)
        length = ops.sum(seen.mask * seen.norms) / ops.sum(units)
        return length * units / seen.norms
