"""Mean intersection over union of semantic segmentation."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.metrics._confusion_metric import ConfusionMetric


@keras.saving.register_keras_serializable("keras_mtl")
class MeanIU(ConfusionMetric):
    """Mean over the classes of intersection over union: n_ii / (t_i + sum_j n_ji - n_ii).

    n_ij counts the pixels of class i that are predicted as j, t_i = sum_j n_ij. A class that is in
    neither truth nor prediction has no IU and is left out of the mean; one that is predicted but
    never true has the IU 0 and counts.

    Args:
        num_classes: Number of classes C.
        ignore_class: Label of void pixels, which are left out, or None.
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`.

    Returns:
        `result()`: scalar in [0, 1]. `confusion_matrix` and `per_class_iu()` give NumPy arrays.
        NaN before the first labelled pixel and after a label that is no class or a prediction
        that is NaN.

    Raises:
        ValueError: If `num_classes` is less than 2 or the shapes of an update do not fit.

    Source: Long, Shelhamer, Darrell, Fully Convolutional Networks for Semantic Segmentation, CVPR
    2015, section 5.

    Example:

    >>> metric = MeanIU(num_classes=3)  # class 2 is nowhere
    >>> y_pred = np.eye(3)[[[[0, 1, 1, 0]]]]
    >>> round(float(metric(np.array([[[0, 0, 1, 255]]]), y_pred)), 4)
    0.5
    """

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = 255,
        name: str = "mean_iu",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(num_classes, ignore_class=ignore_class, name=name, dtype=dtype)

    @staticmethod
    def score(confusion: Tensor) -> Tensor:
        """Scalar tensor from a float tensor (C, C) of counts, truth by prediction."""
        hit = ops.diagonal(confusion)
        union = ops.sum(confusion, axis=0) + ops.sum(confusion, axis=1) - hit
        present = ops.sum(ops.cast(union > 0, confusion.dtype))
        return ops.divide_no_nan(ops.sum(ops.divide_no_nan(hit, union)), present)
