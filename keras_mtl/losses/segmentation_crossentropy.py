"""Cross-entropy of semantic segmentation."""

import keras
from keras import ops

from keras_mtl._types import Config, Reduction
from keras_mtl.losses._integer_labels import UNKNOWN, integer_labels
from keras_mtl.losses._masked_crossentropy import MaskedCrossentropy


@keras.saving.register_keras_serializable("keras_mtl")
class SegmentationCrossentropy(MaskedCrossentropy):
    """Softmax cross-entropy of labelled pixels, averaged over those that are not void.

    The value is that of `keras.losses.SparseCategoricalCrossentropy(from_logits=True,
    ignore_class=255)`, in less time. Not known, like void pixels, is what is labelled -1 or NaN.
    Another label outside [0, classes) makes the loss NaN on every backend, as does a float that is
    no whole number, for a compiled program cannot raise; Keras' own loss trains on with them on
    JAX.

    Args:
        ignore_class: Label of void pixels, beside -1; or None.
        reduction: As in `keras.losses.Loss`; the default averages over the valid pixels.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Tensor (batch, height, width) or (batch, height, width, 1) of integer labels.
        y_pred: Float tensor (batch, height, width, classes) of logits.
        sample_weight: Optional, one value a sample or a pixel.

    Raises:
        ValueError: If the shapes do not fit each other.

    Example:

    >>> loss = SegmentationCrossentropy()
    >>> y_true = np.array([[[0, 1], [2, 255]]], "uint8")
    >>> round(float(loss(y_true, np.zeros((1, 2, 2, 5), "float32"))), 4)  # log(5)
    1.6094
    """

    def __init__(
        self,
        ignore_class: int | None = 255,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "segmentation_crossentropy",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.ignore_class = ignore_class

    def _paired(self, y_true, y_pred):
        y_true = integer_labels(y_true)
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, axis=-1)
        return y_true, y_pred

    def _valid(self, y_true):
        known = ops.not_equal(y_true, UNKNOWN)
        if self.ignore_class is None:
            return known
        return ops.logical_and(known, ops.not_equal(y_true, self.ignore_class))

    def _labels(self, y_true):
        return ops.cast(y_true, "int32"), self._valid(y_true)

    def get_config(self) -> Config:
        return {**super().get_config(), "ignore_class": self.ignore_class}
