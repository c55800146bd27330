"""The five scores of surface normals in one pass."""

import keras

from keras_mtl._types import Tensor
from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.metrics._angular_metric import AngularMetric
from keras_mtl.metrics.mean_angular_error import MeanAngularError
from keras_mtl.metrics.median_angular_error import MedianAngularError
from keras_mtl.metrics.within_angle import WithinAngle


@keras.saving.register_keras_serializable("keras_mtl")
class NormalsScores(AngularMetric):
    """Mean and median angular error and the shares within 11.25, 22.5 and 30 degrees.

    The same numbers as `MeanAngularError`, `MedianAngularError` and three `WithinAngle`; the
    predictions are decoded once.

    Args:
        codebook: A `NormalsCodebook` with K words if predictions are K logits, else None.
        name: Name of the metric, and prefix of its results: Keras logs a dict of results by its
            own keys, without the output's name.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: dict of scalars with the keys "<name>_mean_angular_error",
        "<name>_median_angular_error" (degrees), "<name>_within_11.25", "<name>_within_22.5" and
        "<name>_within_30" (shares in [0, 1]).

    Raises:
        ValueError: If `codebook` is of another type or the shapes of an update do not fit.

    Source: Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016, section 5 and
    table 5.

    Example:

    >>> metric = NormalsScores()
    >>> y_true = np.array([[[[0, 0, -1], [0, 0, -1]]]], "float32")
    >>> scores = metric(y_true, np.array([[[[0, 0, -1], [0, -1, 0]]]], "float32"))
    >>> float(scores["normals_mean_angular_error"]), float(scores["normals_within_30"])
    (45.0, 0.5)
    """

    def __init__(
        self,
        codebook: NormalsCodebook | None = None,
        name: str = "normals",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(codebook, name=name, dtype=dtype)
        # Tracked by Keras: their variables are this metric's.
        self.parts = [
            MeanAngularError(),
            MedianAngularError(),
            *(WithinAngle(degrees) for degrees in (11.25, 22.5, 30)),
        ]

    def _accumulate(self, angles, weights):
        for part in self.parts:
            part._accumulate(angles, weights)

    def result(self) -> dict[str, Tensor]:
        return {f"{self.name}_{part.name}": part.result() for part in self.parts}
