"""Mean relative error of depth."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.metrics._depth_metric import DepthMetric
from keras_mtl.metrics._weighted_mean import WeightedMean


@keras.saving.register_keras_serializable("keras_mtl")
class DepthRelativeError(DepthMetric):
    """Mean of |predicted − true| / true depth, over all known pixels.

    Args:
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: scalar, 0.1 for ten percent; NaN before the first pixel with a depth and after
        a prediction that is not finite.

    Raises:
        ValueError: If the shapes of an update do not fit.

    Source: Eigen, Puhrsch, Fergus, Depth Map Prediction from a Single Image using a Multi-Scale
    Deep Network, NeurIPS 2014, "abs relative difference".

    Example:

    >>> metric = DepthRelativeError()
    >>> y_true = np.array([[[2.0, 4.0, 0.0]]], "float32")
    >>> y_pred = np.array([[[[3.0], [3.0], [9.0]]]], "float32")
    >>> float(metric(y_true, y_pred))  # of 1/2 and 1/4; the third pixel has no depth
    0.375
    """

    def __init__(
        self, name: str = "relative_error", dtype: str | keras.DTypePolicy | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._mean = WeightedMean(self)

    def _accumulate(self, true, predicted, weights):
        self._mean.add(ops.abs(predicted - true) / true, weights)

    def result(self) -> Tensor:
        return self._mean.result()
