"""The combination of the gradients of least norm."""

from typing import Any

import keras

from keras_mtl._types import Tensor
from keras_mtl.balancing._quadratic import simplex
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class MGDA(GradientBalancing):
    """Takes the direction of least norm among the mixtures of the tasks' gradients.

    The weights are those numbers of at least 0, which sum to T, by which the weighted sum of the
    gradients is shortest. No task's loss rises along it, to the first order. It follows the
    smallest gradient most: a task that has converged nearly stops the others.

    Source: Désidéri, "Multiple-gradient descent algorithm (MGDA) for multiobjective optimization",
    Comptes Rendus Mathématique 2012; Sener and Koltun, "Multi-Task Learning as Multi-Objective
    Optimization", NeurIPS 2018, whose MGDA-UB is that at the features.

    Args:
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> weights = keras_mtl.balancing.MGDA()(np.ones(2), np.array([[1.0, 0.0], [0.0, 4.0]]))
    >>> np.asarray(weights).round(3)
    array([1.6, 0.4], dtype=float32)
    """

    def __init__(self, at: Any = "features", **options: Any) -> None:
        super().__init__(at, **options)

    def weigh(self, seen: Seen) -> Tensor:
        return seen.count * simplex(seen)
