"""Share of surface normals within an angle of the truth."""

import keras
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.metrics._angular_metric import AngularMetric
from keras_mtl.metrics._weighted_mean import WeightedMean


@keras.saving.register_keras_serializable("keras_mtl")
class WithinAngle(AngularMetric):
    """Share of the valid pixels whose predicted normal is less than an angle from the true one.

    Args:
        degrees: The angle, in (0, 180]; the paper reports 11.25, 22.5 and 30.
        codebook: A `NormalsCodebook` with K words if predictions are K logits, else None.
        name: Name of the metric; "within_11.25" and so on if not given.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: scalar in [0, 1] (the paper prints percent); NaN before the first valid pixel. A
        prediction that is NaN is not within the angle.

    Raises:
        ValueError: If `degrees` is out of range, `codebook` is of another type or the shapes of an
            update do not fit.

    Source: Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016, section 5.

    Example:

    >>> metric = WithinAngle(30)
    >>> y_true = np.array([[[[0, 0, -1], [0, 0, -1]]]], "float32")
    >>> y_pred = np.array([[[[0, 0, -1], [0, -1, -1]]]], "float32")
    >>> float(metric(y_true, y_pred))  # of 0 and 45
    0.5
    """

    def __init__(
        self,
        degrees: float,
        codebook: NormalsCodebook | None = None,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        if not 0 < degrees <= 180:
            raise ValueError(f"`degrees` must be in (0, 180]. Received: degrees={degrees}.")
        super().__init__(codebook, name=name or f"within_{degrees:g}", dtype=dtype)
        self.degrees = float(degrees)
        self._mean = WeightedMean(self)

    def _accumulate(self, angles, weights):
        self._mean.add(ops.cast(angles < self.degrees, "float32"), weights)

    def result(self) -> Tensor:
        return self._mean.result()

    def get_config(self) -> Config:
        return {**super().get_config(), "degrees": self.degrees}
