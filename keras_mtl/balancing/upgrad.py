"""The gradients, each projected so that it conflicts with none, and then added."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._quadratic import box
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class UPGrad(GradientBalancing):
    """Projects the gradient of each task to where no task's loss rises, and adds the projections.

    It is the sum of the gradients if none conflict; else each is changed as little as makes its
    product with the gradient of every task at least 0. A step is linear in the scale of each loss.
    As published it is the mean; here the sum, T times that, as Keras adds losses.

    Source: Quinton and Rey, "Jacobian Descent for Multi-Objective Optimization", arXiv 2406.16232,
    equation 3 and proposition 1.

    Args:
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.UPGrad()
    >>> weights = balancing(np.ones(2), np.array([[1.0, -0.5], [-0.5, 1.0]]))
    >>> np.asarray(weights).round(3)
    array([1.5, 1.5], dtype=float32)
    """

    def __init__(self, at: Any = "weights", **options: Any) -> None:
        super().__init__(at, **options)

    def weigh(self, seen: Seen) -> Tensor:
        each = ops.eye(seen.losses.shape[0], dtype="float32")
        return ops.sum(box(seen, each), axis=0)
