"""Mean absolute error of a map."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.losses._paired_maps import paired_maps
from keras_mtl.losses._pixel_weights import pixel_weights
from keras_mtl.metrics._weighted_mean import WeightedMean


@keras.saving.register_keras_serializable("keras_mtl")
class MapAbsoluteError(keras.metrics.Metric):
    """Mean absolute difference of true and predicted values, over all known values.

    For maps such as edges or keypoints, in their own unit. Zero counts: where `DepthAbsoluteError`
    takes it for unknown, here only NaN and infinity are.

    A map may have several channels. Each of their values counts by itself, as in `MapL1`: of
    vectors such as `center_offsets` this is the mean error of a coordinate, which is 0.5 to 0.71
    of the mean length of the errors.

    Args:
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`; values and sums are float32 whatever it is.

    Update arguments:
        y_true: Tensor (batch, height, width, channels), or (batch, height, width) of one channel;
            NaN or infinity marks a value that is not known, which is left out.
        y_pred: Tensor of that shape, where an axis of one channel may be left out, too.
        sample_weight: Optional, one value a sample or a pixel: a pixel counts as that many.

    Returns:
        `result()`: scalar; NaN before the first known value and after a prediction that is not
        finite.

    Raises:
        ValueError: If the shapes of an update do not fit.

    Source: Sun et al., AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning,
    NeurIPS 2020, which rates Taskonomy's edges and keypoints by it; Kendall et al., Multi-Task
    Learning Using Uncertainty to Weigh Losses, CVPR 2018, for vectors to the centres of instances.

    Example:

    >>> metric = MapAbsoluteError()
    >>> y_true = np.array([[[0.0, 0.5, np.nan]]], "float32")
    >>> y_pred = np.array([[[[0.5], [0.5], [9.0]]]], "float32")
    >>> float(metric(y_true, y_pred))  # of 0.5 and 0; the third pixel is not known
    0.25
    """

    knows_the_unknown = True

    def __init__(
        self, name: str = "absolute_error", dtype: str | keras.DTypePolicy | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._mean = WeightedMean(self)

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        true, predicted = paired_maps(y_true, y_pred)
        # Without it, torch would keep the graph of every batch.
        predicted = ops.stop_gradient(predicted)
        known = ops.isfinite(true)
        weights = ops.cast(known, "float32")
        if sample_weight is not None:
            weights = weights * pixel_weights(sample_weight, weights)
        self._mean.add(ops.where(known, ops.abs(predicted - true), 0.0), weights)

    def result(self) -> Tensor:
        return self._mean.result()
