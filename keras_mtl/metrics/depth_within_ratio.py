"""Share of depths within a ratio of the truth."""

import math

import keras
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.metrics._depth_metric import DepthMetric
from keras_mtl.metrics._weighted_mean import WeightedMean


@keras.saving.register_keras_serializable("keras_mtl")
class DepthWithinRatio(DepthMetric):
    """Share of the known pixels with max(predicted / true, true / predicted) below a threshold.

    Args:
        threshold: The ratio, above 1; the paper reports 1.25, 1.25² and 1.25³.
        name: Name of the metric; "within_1.25" and so on if not given.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: scalar in [0, 1]; NaN before the first pixel with a depth. A prediction that is
        not positive, or NaN, is not within the ratio.

    Raises:
        ValueError: If `threshold` is not above 1 or the shapes of an update do not fit.

    Source: Eigen, Puhrsch, Fergus, Depth Map Prediction from a Single Image using a Multi-Scale
    Deep Network, NeurIPS 2014.

    Example:

    >>> metric = DepthWithinRatio(1.25)
    >>> y_true = np.array([[[2.0, 4.0, 0.0]]], "float32")
    >>> y_pred = np.array([[[[2.2], [3.0], [9.0]]]], "float32")
    >>> float(metric(y_true, y_pred))  # ratios 1.1 and 1.33; the third pixel has no depth
    0.5
    """

    def __init__(
        self,
        threshold: float = 1.25,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        if not 1 < threshold < math.inf:
            raise ValueError(f"`threshold` must be above 1 and finite. Received: {threshold}.")
        # Enough digits for 1.25³.
        super().__init__(name=name or f"within_{threshold:.10g}", dtype=dtype)
        self.threshold = float(threshold)
        self._mean = WeightedMean(self)

    def _accumulate(self, true, predicted, weights):
        # Without the quotients: true / predicted of a negative prediction would look small.
        within = ops.logical_and(
            predicted < self.threshold * true, true < self.threshold * predicted
        )
        self._mean.add(ops.cast(within, "float32"), weights)

    def result(self) -> Tensor:
        return self._mean.result()

    def get_config(self) -> Config:
        return {**super().get_config(), "threshold": self.threshold}
