"""Mean absolute error of depth."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.metrics._depth_metric import DepthMetric
from keras_mtl.metrics._weighted_mean import WeightedMean


@keras.saving.register_keras_serializable("keras_mtl")
class DepthAbsoluteError(DepthMetric):
    """Mean absolute difference of true and predicted depth, over all known pixels, in metres.

    Args:
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: scalar in metres; NaN before the first pixel with a depth and after a
        prediction that is not finite.

    Raises:
        ValueError: If the shapes of an update do not fit.

    Source: Sun et al., AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning,
    NeurIPS 2020.

    Example:

    >>> metric = DepthAbsoluteError()
    >>> y_true = np.array([[[2.0, 4.0, 0.0]]], "float32")
    >>> y_pred = np.array([[[[2.5], [3.0], [9.0]]]], "float32")
    >>> float(metric(y_true, y_pred))  # of 0.5 and 1; the third pixel has no depth
    0.75
    """

    def __init__(
        self, name: str = "absolute_error", dtype: str | keras.DTypePolicy | None = None
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self._mean = WeightedMean(self)

    def _accumulate(self, true, predicted, weights):
        self._mean.add(ops.abs(predicted - true), weights)

    def result(self) -> Tensor:
        return self._mean.result()
