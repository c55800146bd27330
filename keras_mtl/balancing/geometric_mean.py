"""The geometric mean of the losses in place of their sum."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._logs import logs
from keras_mtl.balancing.balancing import LossBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class GeometricMean(LossBalancing):
    """Minimises the geometric mean of the losses, T times: GLS.

    The weight of a loss is that mean over the loss itself, `(Π L)^(1/T) / L_i`, so that each task
    has the same part in the step, whatever the scale of its loss. The mean is over the tasks that
    have a label in the batch.

    Source: Chennupati et al., "MultiNet++: Multi-Stream Feature Aggregation and Geometric Loss
    Strategy for Multi-Task Learning", CVPR Workshops 2019.

    Args:
        on_nan, name: as of `Balancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> weights = keras_mtl.balancing.GeometricMean()(np.array([4.0, 0.25]))
    >>> np.asarray(weights).round(3).tolist()
    [0.25, 4.0]
    """

    needs_positive = True

    def weigh(self, seen: Seen) -> Tensor:
        # Not by the product, which leaves float32 at 40 losses of 1e-3.
        each = logs(seen.losses, seen.known)
        return ops.exp(ops.sum(each) / ops.maximum(seen.count, 1.0) - each)
