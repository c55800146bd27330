"""Weights by which all losses fall alike, at the cost of one more forward pass."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._adam import Adam
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing._logs import logs, shares
from keras_mtl.balancing.balancing import LossBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class FAMO(LossBalancing):
    """Learns weights by which the losses of all tasks fall at the same rate: FAMO.

    Each task i has a number `ξ_i`, and `z = softmax(ξ)`. The weights are `T · c · z_i / L_i` with
    `c = 1 / Σ z_i / L_i`, so that they sum to T. Behind each step the losses of the same batch are
    computed again; a task whose logarithm fell less than those of the others has its number raised,
    by Adam. All that is over the tasks that have a label in the batch. A step depends on the scales
    of the losses by one common factor alone.

    Source: Liu et al., "FAMO: Fast Adaptive Multitask Optimization", NeurIPS 2023.

    Args:
        learning_rate: of the numbers.
        decay: how strongly they are drawn to 0, as an L2 penalty in their gradient.
        **options: `on_nan` and `name`, as of `Balancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> weights = keras_mtl.balancing.FAMO()(np.array([3.0, 1.0]))
    >>> np.asarray(weights).round(3).tolist()
    [0.5, 1.5]
    """

    needs_positive = True
    needs_losses_after = True

    def __init__(self, learning_rate: float = 0.025, decay: float = 1e-3, **options: Any) -> None:
        super().__init__(**options)
        self.learning_rate = check_number("learning_rate", learning_rate, 0, above=True)
        self.decay = check_number("decay", decay, 0)

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        super().build(losses_shape)
        self._adam = Adam(self, "logit", np.zeros(losses_shape), self.learning_rate)
        # Of the last step alone; 0 of a task that had no say in it.
        self._before = self.state("losses_before", np.zeros(losses_shape))

    def weigh(self, seen: Seen) -> Tensor:
        self._before.assign(ops.where(seen.known, seen.losses, 0.0))
        # `c · z / L` is a softmax, too.
        return seen.count * shares(self._adam.values - logs(seen.losses, seen.known), seen.known)

    def after(self, losses: Tensor, known: Tensor) -> None:
        losses = ops.cast(losses, "float32")
        before = ops.convert_to_tensor(self._before)
        known = ops.logical_and(known, ops.minimum(before, losses) > 0)
        fell = logs(before, known) - logs(losses, known)
        logits = ops.convert_to_tensor(self._adam.values)
        share = ops.where(known, shares(logits, known), 0.0)
        gradient = share * (fell - ops.sum(share * fell)) + self.decay * logits
        # A task that is alone has none to be compared with.
        several = ops.sum(ops.cast(known, "int32")) > 1
        self._adam.update(gradient, ops.logical_and(known, several))

    def get_config(self) -> Config:
        own = {"learning_rate": self.learning_rate, "decay": self.decay}
        return {**own, **super().get_config()}
