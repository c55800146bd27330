"""Weights by which all tasks learn at the same pace."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._assign import assign
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing._logs import SMALLEST
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class GradNorm(GradientBalancing):
    """Learns weights by which the gradients of tasks that have learned less are longer.

    With `r_i` the loss of task i over its first one, over the mean of that over the tasks, the norm
    of its weighted gradient is to be the mean of the norms times `r_i ** alpha`. The weights go
    there by the sign of what is missing: a step of `learning_rate` times the norm of the task's
    gradient over the mean norm, which makes it the same whatever the units of the losses. They
    start at 1, sum to T as published, and those of a step without some tasks to what they did
    before it.

    Source: Chen et al., "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep
    Multitask Networks", ICML 2018, which takes the gradients of the last shared layer.

    Args:
        alpha: how much longer; at 0 all gradients are to be as long.
        learning_rate: of the weights.
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.GradNorm(learning_rate=0.02)
    >>> for _ in range(40):
    ...     weights = balancing(np.ones(2), np.array([[1.0, 0.0], [0.0, 9.0]]))
    >>> np.asarray(weights).round(1)
    array([1.5, 0.5], dtype=float32)
    """

    # A ratio of losses of any sign says nothing.
    needs_positive = True

    def __init__(
        self,
        alpha: float = 1.5,
        learning_rate: float = 0.025,
        at: Any = "features",
        **options: Any,
    ) -> None:
        super().__init__(at, **options)
        self.alpha = check_number("alpha", alpha, 0)
        self.learning_rate = check_number("learning_rate", learning_rate, 0, above=True)

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        super().build(losses_shape)
        self._weights = self.state("weights", np.ones(losses_shape))
        # 0 of a task that has had no label yet.
        self._first = self.state("first_losses", np.zeros(losses_shape))

    def weigh(self, seen: Seen) -> Tensor:
        def mean(values):
            return ops.sum(seen.mask * values) / ops.maximum(seen.count, 1.0)

        losses = ops.maximum(seen.losses, SMALLEST)
        assign(self._first, ops.logical_and(seen.known, ops.equal(self._first, 0)), losses)
        # A copy: PyTorch would show what is assigned below.
        weights = ops.copy(self._weights)
        norms = weights * seen.norms
        pace = ops.where(seen.known, losses / ops.maximum(self._first, SMALLEST), 1.0)
        target = mean(norms) * (pace / mean(pace)) ** self.alpha
        size = seen.norms / mean(seen.norms)
        new = ops.maximum(weights - self.learning_rate * ops.sign(norms - target) * size, 0.0)
        new = new * mean(weights) / ops.maximum(mean(new), SMALLEST)
        assign(self._weights, seen.known, new)
        return weights

    def get_config(self) -> Config:
        own = {"alpha": self.alpha, "learning_rate": self.learning_rate}
        return {**own, **super().get_config()}
