"""Median angular error of surface normals."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.metrics._angular_metric import AngularMetric
from keras_mtl.metrics._bin_sums import bin_sums
from keras_mtl.metrics._wide_counter import WideCounter


@keras.saving.register_keras_serializable("keras_mtl")
class MedianAngularError(AngularMetric):
    """Median angle between true and predicted normals, over all valid pixels, in degrees.

    The angles go into a histogram of 3600 bins; within the bin that holds the median the result is
    interpolated. It is less than a bin, 0.05 degrees, from an angle that has half of the weight on
    either side. (Where no pixel lies between two such angles, NumPy takes their middle.)

    Args:
        codebook: A `NormalsCodebook` with K words if predictions are K logits, else None.
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: scalar in [0, 180]; NaN before the first valid pixel. A prediction that is NaN
        counts as 180.

    Raises:
        ValueError: If `codebook` is of another type or the shapes of an update do not fit.

    Source: Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016, section 5.

    Example:

    >>> metric = MedianAngularError()
    >>> y_true = np.array([[[[0, 0, -1]] * 3]], "float32")
    >>> y_pred = np.array([[[[0, 0, -1], [0, -1, -1], [0, -1, 0]]]], "float32")
    >>> abs(float(metric(y_true, y_pred)) - 45) < 0.05  # of 0, 45 and 90
    True
    """

    NUM_BINS = 3600
    BIN_WIDTH = 180 / NUM_BINS

    def __init__(
        self,
        codebook: NormalsCodebook | None = None,
        name: str = "median_angular_error",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(codebook, name=name, dtype=dtype)
        self._histogram = WideCounter(self, (self.NUM_BINS,), "histogram")

    def _accumulate(self, angles, weights):
        angles = ops.where(ops.isnan(angles), 180.0, angles)
        bins = ops.minimum(ops.cast(angles / self.BIN_WIDTH, "int32"), self.NUM_BINS - 1)
        self._histogram.add(bin_sums(weights, bins, self.NUM_BINS))

    def result(self) -> Tensor:
        histogram = self._histogram.value()
        upto = ops.cumsum(histogram)
        half = upto[-1] / 2
        # The first bin that brings the sum to half: empty bins before it are passed over.
        middle = ops.minimum(ops.sum(ops.cast(upto < half, "int32")), self.NUM_BINS - 1)
        count = ops.take(histogram, middle)
        inside = ops.divide_no_nan(half - (ops.take(upto, middle) - count), count)
        angle = (ops.cast(middle, "float32") + ops.clip(inside, 0.0, 1.0)) * self.BIN_WIDTH
        return ops.where(half > 0, angle, float("nan"))
