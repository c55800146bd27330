"""What the metrics of semantic segmentation share: a confusion matrix."""

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_integer
from keras_mtl._types import Array, Config, Tensor
from keras_mtl.losses._integer_labels import UNKNOWN, integer_labels
from keras_mtl.losses._pixel_weights import pixel_weights
from keras_mtl.metrics._bin_sums import bin_sums
from keras_mtl.metrics._wide_counter import WideCounter


class ConfusionMetric(keras.metrics.Metric):
    """Base of metrics that are functions of the confusion matrix.

    A subclass has `score(confusion)`, a static method from a float tensor (C, C), rows of truth and
    columns of predictions, to a scalar.

    Args:
        num_classes: Number of classes C.
        ignore_class: Label of void pixels, which are left out as those of -1 or NaN are; or None.
        name: Name of the metric.
        dtype: As in `keras.metrics.Metric`; counts are exact whatever it is.

    Update arguments:
        y_true: Integer tensor (batch, height, width) or (batch, height, width, 1).
        y_pred: Tensor (batch, height, width, C) of logits or probabilities.
        sample_weight: Optional, one value a sample or a pixel: a pixel counts as that many.

    The result is NaN as long as no pixel has been counted, and for good (until `reset_state`) once
    a label came that is neither in [0, C) nor void, -1 or NaN, or NaN was predicted for a labelled
    pixel: the matrix has no column for it, and a network that diverged is to be seen as such.
    """

    knows_the_unknown = True

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = 255,
        name: str | None = None,
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.num_classes = check_integer("num_classes", num_classes, 2)
        self.ignore_class = ignore_class
        # The last cell counts pixels whose label or prediction is no class.
        self._counts = WideCounter(self, (self.num_classes**2 + 1,), "counts")

    @property
    def confusion_matrix(self) -> Array:
        """NumPy array (C, C), truth by prediction: int64, or float64 after fractional weights.

        Raises:
            ValueError: If a label came that is neither in [0, C) nor void, or a prediction that
                is NaN.
        """
        counts = self._counts.exact()
        if counts[-1] > 0:
            raise ValueError(
                f"`y_true` must be in [0, {self.num_classes}) or {self.ignore_class} (void), and "
                f"`y_pred` not NaN. Received: others in {counts[-1]:.0f} pixels."
            )
        matrix = counts[:-1].reshape(self.num_classes, self.num_classes)
        whole = np.rint(matrix).astype("int64")
        return whole if np.array_equal(whole, matrix) else matrix

    def per_class_iu(self) -> Array:
        """NumPy float64 array (C,): each class's IU, NaN if in neither truth nor prediction."""
        matrix = self.confusion_matrix
        union = matrix.sum(axis=0) + matrix.sum(axis=1) - np.diagonal(matrix)
        return np.divide(
            np.diagonal(matrix), union, out=np.full(len(union), np.nan), where=union > 0
        )

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        classes = self.num_classes
        # uint8 labels would overflow when multiplied by the number of classes.
        y_true = integer_labels(y_true)
        y_pred = ops.convert_to_tensor(y_pred)
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        if len(y_true.shape) + 1 != len(y_pred.shape) or y_pred.shape[-1] != classes:
            raise ValueError(
                "`y_true` must be of shape (batch, height, width) and `y_pred` of shape (batch, "
                f"height, width, num_classes={classes}). Received: y_true of shape "
                f"{tuple(y_true.shape)}, y_pred of shape {tuple(y_pred.shape)}."
            )
        predicted = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        in_range = ops.logical_and(y_true >= 0, y_true < classes)
        # The argmax of NaN is class 0, say, which would often be right.
        largest = ops.cast(ops.max(y_pred, axis=-1), "float32")
        countable = ops.logical_and(in_range, largest == largest)
        cell = ops.where(countable, y_true * classes + predicted, classes**2)
        for void in (UNKNOWN, self.ignore_class):
            if void is not None:  # One cell past those that are kept.
                cell = ops.where(y_true == void, classes**2 + 1, cell)
        if sample_weight is None:
            # Whole numbers: exact in a batch of any size.
            weights = ops.ones_like(cell, dtype="int32")
        else:
            weights = pixel_weights(sample_weight, cell)
        self._counts.add(bin_sums(weights, cell, classes**2 + 2)[:-1])

    def _result(self, score):
        counts = self._counts.value()
        matrix = ops.reshape(counts[:-1], (self.num_classes, self.num_classes))
        defined = ops.logical_and(counts[-1] == 0, ops.sum(matrix) > 0)
        return ops.where(defined, score(matrix), float("nan"))

    def result(self) -> Tensor:
        return self._result(self.score)

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "ignore_class": self.ignore_class,
        }
