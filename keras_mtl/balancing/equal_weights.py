"""Plain training, whose conflicts can be looked at."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class EqualWeights(GradientBalancing):
    """Gives each task a weight of 1, as plain training does, which adds the losses.

    With `conflicts=True` the cosines of the tasks' gradients are in the logs of `fit`; without, it
    costs time and changes nothing.

    Args:
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.EqualWeights(conflicts=True)
    >>> np.asarray(balancing(np.ones(2), np.array([[1.0, -1.0], [-1.0, 4.0]]))).tolist()
    [1.0, 1.0]
    >>> np.asarray(balancing.cosines).round(3).tolist()
    [[1.0, -0.5], [-0.5, 1.0]]
    """

    def __init__(self, at: Any = "weights", **options: Any) -> None:
        super().__init__(at, **options)

    def weigh(self, seen: Seen) -> Tensor:
        return ops.ones_like(seen.mask)
