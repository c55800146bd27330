"""The direction near the sum of the gradients that serves the worst task best."""

from typing import Any

import keras

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing._quadratic import ball
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class CAGrad(GradientBalancing):
    """Looks near the sum of the gradients for the direction that the worst task gains most by.

    Near is within `c` times its norm. As published it is the mean; here the sum, T times that, as
    Keras adds losses. From a `c` of 1 on no task's loss rises along it, to the first order.

    Source: Liu et al., "Conflict-Averse Gradient Descent for Multi-task Learning", NeurIPS 2021,
    algorithm 1.

    Args:
        c: above 0; the larger, the more it leaves plain training.
        rescale: whether the weights are divided by `1 + c²`, as in the authors' code, so that
            steps are about as long as those of plain training.
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.CAGrad(c=0.5, rescale=False)
    >>> weights = balancing(np.ones(2), np.array([[1.0, 0.0], [0.0, 9.0]]))
    >>> np.asarray(weights).round(3)
    array([2.581, 1.   ], dtype=float32)
    """

    def __init__(
        self, c: float = 0.5, rescale: bool = True, at: Any = "weights", **options: Any
    ) -> None:
        super().__init__(at, **options)
        self.c = check_number("c", c, 0, above=True)
        self.rescale = bool(rescale)

    def weigh(self, seen: Seen) -> Tensor:
        weights = 1.0 + ball(seen, self.c)
        return weights / (1 + self.c**2) if self.rescale else weights

    def get_config(self) -> Config:
        return {"c": self.c, "rescale": self.rescale, **super().get_config()}
