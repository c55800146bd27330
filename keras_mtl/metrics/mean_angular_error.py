"""Mean angular error of surface normals."""

import keras

from keras_mtl._types import Tensor
from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.metrics._angular_metric import AngularMetric
from keras_mtl.metrics._weighted_mean import WeightedMean


@keras.saving.register_keras_serializable("keras_mtl")
class MeanAngularError(AngularMetric):
    """Mean angle between true and predicted normals, over all valid pixels, in degrees.

    Args:
        codebook: A `NormalsCodebook` with K words if predictions are K logits, else None.
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: scalar in [0, 180]; NaN before the first valid pixel and after a prediction
        that is NaN.

    Raises:
        ValueError: If `codebook` is of another type or the shapes of an update do not fit.

    Source: Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016, section 5.

    Example:

    >>> metric = MeanAngularError()
    >>> y_true = np.array([[[[0, 0, -1], [0, 0, -1], [0, 0, 0]]]], "float32")
    >>> y_pred = np.array([[[[0, 0, -1], [0, -1, 0], [1, 0, 0]]]], "float32")
    >>> float(metric(y_true, y_pred))  # of 0 and 90; the third pixel has no normal
    45.0
    """

    def __init__(
        self,
        codebook: NormalsCodebook | None = None,
        name: str = "mean_angular_error",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(codebook, name=name, dtype=dtype)
        self._mean = WeightedMean(self)

    def _accumulate(self, angles, weights):
        self._mean.add(angles, weights)

    def result(self) -> Tensor:
        return self._mean.result()
