"""Mean absolute error of a map."""

import keras
from keras import ops

from keras_mtl.losses._depth_maps import depth_maps
from keras_mtl.losses._pixel_weights import pixel_weights
from keras_mtl.metrics._pixel_mean import PixelMean


@keras.saving.register_keras_serializable("keras_mtl")
class MapAbsoluteError(keras.metrics.Metric):
    """Mean absolute difference of true and predicted values, over all known pixels.

    For maps such as edges or keypoints, in their own unit. Zero counts: where `DepthAbsoluteError`
    takes it for unknown, here only NaN is.

    Args:
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`; values and sums are float32 whatever it is.

    Update arguments:
        y_true: Tensor (batch, height, width) or (batch, height, width, 1); NaN marks a pixel that
            is not known, which is left out.
        y_pred: Tensor (batch, height, width, 1) or (batch, height, width).
        sample_weight: Optional, one value a sample or a pixel: a pixel counts as that many.

    Returns:
        `result()`: scalar; NaN before the first known pixel and after a prediction that is not
        finite.

    Raises:
        ValueError: If the shapes of an update do not fit.

    Source: Sun et al., AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning,
    NeurIPS 2020, which rates Taskonomy's edges and keypoints by it.

    Example:

    >>> metric = MapAbsoluteError()
    >>> y_true = np.array([[[0.0, 0.5, np.nan]]], "float32")
    >>> y_pred = np.array([[[[0.5], [0.5], [9.0]]]], "float32")
    >>> float(metric(y_true, y_pred))  # of 0.5 and 0; the third pixel is not known
    0.25
    """

    def __init__(self, name="absolute_error", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._mean = PixelMean(self)

    def update_state(self, y_true, y_pred, sample_weight=None):
        true, predicted = depth_maps(y_true, y_pred)
        # Without it, torch would keep the graph of every batch.
        predicted = ops.stop_gradient(predicted)
        known = ops.logical_not(ops.isnan(true))
        weights = ops.cast(known, "float32")
        if sample_weight is not None:
            weights = weights * pixel_weights(sample_weight, weights)
        self._mean.add(ops.where(known, ops.abs(predicted - true), 0.0), weights)

    def result(self):
        return self._mean.result()
