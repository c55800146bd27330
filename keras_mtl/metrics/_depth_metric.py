"""What the metrics of depth share: pairs of true and predicted metres."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.losses._is_depth import is_depth
from keras_mtl.losses._paired_maps import paired_maps
from keras_mtl.losses._pixel_weights import pixel_weights


class DepthMetric(keras.metrics.Metric):
    """Base of metrics that compare depths.

    A subclass has `_accumulate(true, predicted, weights)`, for float32 tensors (B, H, W) of metres,
    of which the true ones are positive, and of the pixels' weights (0 where no depth is known).

    Args:
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`; depths and sums are float32 whatever it is.

    Update arguments:
        y_true: Tensor (batch, height, width) or (batch, height, width, 1) of metres; values that
            are not positive, NaN or infinite mark a pixel without a depth, which is left out.
        y_pred: Tensor (batch, height, width, 1) or (batch, height, width) of metres.
        sample_weight: Optional, one value a sample or a pixel: a pixel counts as that many.
    """

    knows_the_unknown = True

    def _accumulate(self, true, predicted, weights):
        raise NotImplementedError

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        true, predicted = paired_maps(y_true, y_pred, several_channels=False)
        # Without it, torch would keep the graph of every batch.
        predicted = ops.stop_gradient(predicted)
        known = is_depth(true)
        weights = ops.cast(known, "float32")
        if sample_weight is not None:
            weights = weights * pixel_weights(sample_weight, weights)
        # A metre against a metre: no error, and no division by zero.
        true, predicted = (ops.where(known, depth, 1.0) for depth in (true, predicted))
        self._accumulate(true, predicted, weights)
