"""Weights by how slowly each loss falls."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._assign import assign
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing._logs import SMALLEST, shares
from keras_mtl.balancing._running_mean import RunningMean
from keras_mtl.balancing.balancing import LossBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class DynamicWeightAverage(LossBalancing):
    """Weights tasks the more, the less their losses fell in the last epoch: DWA.

    With `r_i` the mean loss of task i in the last epoch over that in the one before it, the weights
    are `T · softmax(r / temperature)`. They are 1 in the first two epochs, and they do not depend
    on the scales of the losses. Means are over the steps in which a task has a label; in an epoch
    without any its ratio stays as it was.

    Source: Liu et al., "End-to-End Multi-Task Learning with Attention", CVPR 2019.

    Args:
        temperature: the larger, the closer are the weights to 1.
        **options: `on_nan` and `name`, as of `Balancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.DynamicWeightAverage()
    >>> for losses in ([8.0, 1.0], [2.0, 1.0]):
    ...     weights = balancing(np.array(losses))
    ...     balancing.end_epoch()
    >>> np.asarray(balancing(np.ones(2))).round(2)
    array([0.81, 1.19], dtype=float32)
    """

    # A ratio of means of any sign says nothing.
    needs_positive = True

    def __init__(self, temperature: float = 2.0, **options: Any) -> None:
        super().__init__(**options)
        self.temperature = check_number("temperature", temperature, 0, above=True)

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        super().build(losses_shape)
        (count,) = losses_shape
        self._epoch = RunningMean(self, "epoch_loss", count)
        # 0 of a task that has had no label yet.
        self._last = self.state("last_epoch_loss", np.zeros(count))
        self._ratios = self.state("ratios", np.ones(count))

    def weigh(self, seen: Seen) -> Tensor:
        self._epoch.update(seen.losses, seen.known)
        # Of all tasks, whatever has a label here: else a task that is alone in its batches would
        # have the weight 1, always.
        return seen.losses.shape[0] * shares(self._ratios / self.temperature)

    def end_epoch(self) -> None:
        means, seen = self._epoch.values, ops.greater(self._epoch.count, 0)
        ratios = ops.minimum(means / ops.maximum(self._last, SMALLEST), 1 / SMALLEST)
        both = ops.logical_and(seen, ops.greater(self._last, 0))
        assign(self._ratios, both, ratios)
        assign(self._last, seen, ops.convert_to_tensor(means))
        self._epoch.reset()

    def get_config(self) -> Config:
        return {"temperature": self.temperature, **super().get_config()}
