"""The three scores of semantic segmentation in one pass."""

import keras
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.metrics._confusion_metric import ConfusionMetric
from keras_mtl.metrics.frequency_weighted_iu import FrequencyWeightedIU
from keras_mtl.metrics.mean_iu import MeanIU
from keras_mtl.metrics.pixel_accuracy import PixelAccuracy


@keras.saving.register_keras_serializable("keras_mtl")
class SegmentationScores(ConfusionMetric):
    """Pixel accuracy, mean IU and frequency-weighted IU from one confusion matrix.

    The same numbers as `PixelAccuracy`, `MeanIU` and `FrequencyWeightedIU`, for a third of their
    time.

    Args:
        num_classes: Number of classes C.
        ignore_class: Label of void pixels, which are left out, or None.
        per_class: Whether the IU of each class is a result, too: "<name>_iu_of_3", NaN of a class
            that is neither in truth nor prediction.
        name: Name of the metric, and prefix of its results: Keras logs a dict of results by its
            own keys, without the output's name.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: dict of scalars in [0, 1] with the keys "<name>_pixel_accuracy",
        "<name>_mean_iu" and "<name>_frequency_weighted_iu". `confusion_matrix` and
        `per_class_iu()` give NumPy arrays.

    Raises:
        ValueError: If `num_classes` is less than 2 or the shapes of an update do not fit.

    Example:

    >>> metric = SegmentationScores(num_classes=2)
    >>> scores = metric(np.array([[[0, 1, 255]]]), np.eye(2)[[[[0, 1, 0]]]])
    >>> {key: float(value) for key, value in sorted(scores.items())}["segmentation_mean_iu"]
    1.0
    """

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = 255,
        per_class: bool = False,
        name: str = "segmentation",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(num_classes, ignore_class=ignore_class, name=name, dtype=dtype)
        self.per_class = per_class

    def result(self) -> dict[str, Tensor]:
        classes = ops.unstack(self._result(_ius), self.num_classes) if self.per_class else ()
        return {
            f"{self.name}_pixel_accuracy": self._result(PixelAccuracy.score),
            f"{self.name}_mean_iu": self._result(MeanIU.score),
            f"{self.name}_frequency_weighted_iu": self._result(FrequencyWeightedIU.score),
            **{f"{self.name}_iu_of_{number}": iu for number, iu in enumerate(classes)},
        }

    def get_config(self) -> Config:
        return {**super().get_config(), "per_class": self.per_class}


def _ius(confusion):
    """The IU of each class, from counts, truth by prediction; 0 / 0 is NaN."""
    hit = ops.diagonal(confusion)
    union = ops.sum(confusion, axis=0) + ops.sum(confusion, axis=1) - hit
    return ops.where(union > 0, ops.divide_no_nan(hit, union), float("nan"))
