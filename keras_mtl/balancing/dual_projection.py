"""The sum of the gradients, projected so that it conflicts with none."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._quadratic import box
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class DualProjection(GradientBalancing):
    """Changes the sum of the gradients as little as makes it conflict with none: GEM's projection.

    It is the sum itself if no task's loss rises along it; else the direction closest to the sum
    along which none does. Published for the mean; here for the sum, T times that, as Keras adds
    losses.

    Source: Lopez-Paz and Ranzato, "Gradient Episodic Memory for Continual Learning", NeurIPS 2017,
    equation 11.

    Args:
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.DualProjection()
    >>> weights = balancing(np.ones(2), np.array([[1.0, -2.0], [-2.0, 9.0]]))
    >>> np.asarray(weights).round(3)
    array([2., 1.], dtype=float32)
    """

    def __init__(self, at: Any = "weights", **options: Any) -> None:
        super().__init__(at, **options)

    def weigh(self, seen: Seen) -> Tensor:
        return box(seen, ops.ones_like(seen.mask))
