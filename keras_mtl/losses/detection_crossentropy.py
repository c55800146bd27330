"""Cross-entropy of the classes of regions."""

import keras
from keras import ops

from keras_mtl._types import Reduction
from keras_mtl.losses._integer_labels import UNKNOWN, integer_labels
from keras_mtl.losses._masked_crossentropy import MaskedCrossentropy


@keras.saving.register_keras_serializable("keras_mtl")
class DetectionCrossentropy(MaskedCrossentropy):
    """Softmax cross-entropy of regions of interest, averaged over those that do not only pad.

    A class that `y_pred` does not have makes the loss NaN on every backend, as do floats that are
    no whole number, for a compiled program cannot raise.

    Source: Girshick, "Fast R-CNN", ICCV 2015, equation 1.

    Args:
        reduction: As in `keras.losses.Loss`; the default averages over the regions of the batch.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Tensor (batch, regions) of classes: 0 for the background, -1 or NaN for padding
            and where nothing is known.
        y_pred: Float tensor (batch, regions, 1 + classes) of logits.
        sample_weight: Optional, one value a sample or a region.

    Raises:
        ValueError: If the shapes do not fit each other.

    Example:

    >>> loss = DetectionCrossentropy()
    >>> y_true = np.array([[0, 3, -1]])
    >>> round(float(loss(y_true, np.zeros((1, 3, 5), "float32"))), 4)  # log(5)
    1.6094
    """

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "detection_crossentropy",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def _paired(self, y_true, y_pred):
        return integer_labels(y_true), y_pred

    def _valid(self, y_true):
        return ops.not_equal(y_true, UNKNOWN)

    def _labels(self, y_true):
        labels = ops.cast(y_true, "int32")
        return labels, self._valid(labels)
