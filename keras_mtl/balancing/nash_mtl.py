"""Weights that are the outcome of a bargain between the tasks."""

from typing import Any

import keras

from keras_mtl._types import Tensor
from keras_mtl.balancing._newton import fair
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class NashMTL(GradientBalancing):
    """Weights tasks so that the sum of the logarithms of what they gain is largest.

    With G the inner products of the gradients, the weights solve `G w = 1 / w`. The direction does
    not depend on the scales of the losses, and along it no task's loss rises, to the first order.
    It has the norm √T, however small the gradients are: the learning rate alone sets how far a step
    goes. The authors' code clips it to a norm of 1, which makes each step as long as any other;
    here the optimizer may clip. Weights are as published, of a sum.

    Source: Navon et al., "Multi-Task Learning as a Bargaining Game", ICML 2022.

    Args:
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> weights = keras_mtl.balancing.NashMTL()(np.ones(2), np.array([[1.0, 0.0], [0.0, 4.0]]))
    >>> np.asarray(weights).round(3)
    array([1. , 0.5], dtype=float32)
    """

    # A weight of 1 would be as arbitrary as the scale of the loss.
    weighs_alone = True

    def __init__(self, at: Any = "weights", **options: Any) -> None:
        super().__init__(at, **options)

    def weigh(self, seen: Seen) -> Tensor:
        return fair(seen, 1.0)
