"""Frequency-weighted intersection over union of semantic segmentation."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.metrics._confusion_metric import ConfusionMetric


@keras.saving.register_keras_serializable("keras_mtl")
class FrequencyWeightedIU(ConfusionMetric):
    """Mean of the classes' intersection over union, weighted by their share of the true pixels.

    With n_ij the pixels of class i that are predicted as j and t_i = sum_j n_ij:
    sum_i t_i n_ii / (t_i + sum_j n_ji - n_ii) / sum_i t_i. A class that is not in the truth has no
    weight.

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

    >>> metric = FrequencyWeightedIU(num_classes=2)
    >>> y_pred = np.eye(2)[[[[0, 0, 0, 0]]]]
    >>> float(metric(np.array([[[0, 0, 0, 1]]]), y_pred))  # (3 * 3/4 + 1 * 0) / 4
    0.5625
    """

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = 255,
        name: str = "frequency_weighted_iu",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(num_classes, ignore_class=ignore_class, name=name, dtype=dtype)

    @staticmethod
    def score(confusion: Tensor) -> Tensor:
        """Scalar tensor from a float tensor (C, C) of counts, truth by prediction."""
        hit = ops.diagonal(confusion)
        true = ops.sum(confusion, axis=1)
        union = true + ops.sum(confusion, axis=0) - hit
        # Shares before products: counts squared could leave the range of float32.
        share = ops.divide_no_nan(true, ops.sum(true))
        return ops.sum(share * ops.divide_no_nan(hit, union))
