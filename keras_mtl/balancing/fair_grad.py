"""Weights that share what the tasks gain fairly."""

from typing import Any

import keras

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing._newton import fair
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class FairGrad(GradientBalancing):
    """Weights tasks so that what they gain is alpha-fair.

    With G the inner products of the gradients, the weights solve `G w = w ** (-1 / alpha)`, as
    published, for a sum: close to an `alpha` of 0 they are those of plain training, at 1 they are
    those of `NashMTL`, and the larger it is the more they make the smallest gain largest. No task's
    loss rises along the direction, to the first order. Its norm goes with that of the gradients
    to the power of `(1 - alpha) / (1 + alpha)`: above 1, larger gradients make smaller steps.

    Source: Ban and Ji, "Fair Resource Allocation in Multi-Task Learning", ICML 2024, equation 4.

    Args:
        alpha: above 0.
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.FairGrad(alpha=0.5)
    >>> weights = balancing(np.ones(2), np.array([[1.0, 0.0], [0.0, 8.0]]))
    >>> np.asarray(weights).round(3)
    array([1. , 0.5], dtype=float32)
    """

    weighs_alone = True

    def __init__(self, alpha: float = 1.0, at: Any = "weights", **options: Any) -> None:
        super().__init__(at, **options)
        self.alpha = check_number("alpha", alpha, 0, above=True)

    def weigh(self, seen: Seen) -> Tensor:
        return fair(seen, self.alpha)

    def get_config(self) -> Config:
        return {"alpha": self.alpha, **super().get_config()}
