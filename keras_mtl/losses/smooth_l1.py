"""The loss of box regression."""

import keras
from keras import ops

from keras_mtl._types import Config, Reduction, Tensor
from keras_mtl.losses._integer_labels import UNKNOWN, integer_labels
from keras_mtl.losses._masked_loss import MaskedLoss


@keras.saving.register_keras_serializable("keras_mtl")
class SmoothL1(MaskedLoss):
    """Smooth L1 of the box offsets of each region's own class.

    The four offsets of a region are summed. Background has the loss 0, but counts in the average:
    with few objects in a batch the boxes weigh less, as in Fast R-CNN. Padding does not count. A
    class that `y_pred` does not have, or that is no whole number, makes the loss NaN.

    Source: Girshick, "Fast R-CNN", ICCV 2015, equations 2 and 3.

    Args:
        beta: Error up to which the loss is quadratic, in units of the offsets.
        reduction: As in `keras.losses.Loss`; the default averages over the regions of the batch.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Tensor (batch, regions, 5): the class (0 for the background, -1 for padding), then
            the four offsets; NaN in any of them where they are not known.
        y_pred: Float tensor (batch, regions, 4 (1 + classes)): four offsets for each class.
        sample_weight: Optional, one value a sample or a region.

    Raises:
        ValueError: If `beta` is not positive, or a shape does not fit.

    Example:

    >>> loss = SmoothL1()
    >>> y_true = np.array([[[1, 0.0, 0.0, 0.0, 3.0], [0, 0.0, 0.0, 0.0, 0.0]]])
    >>> float(loss(y_true, np.zeros((1, 2, 8), "float32")))  # (3 - 0.5) / 2
    1.25
    """

    def __init__(
        self,
        beta: float = 1.0,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "smooth_l1",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not beta > 0:
            raise ValueError(f"`beta` must be positive. Received: beta={beta}.")
        self.beta = beta

    def _valid(self, y_true):
        # NaN is not equal to itself.
        return ops.logical_and(y_true[..., 0] != UNKNOWN, ops.all(y_true == y_true, axis=-1))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        if y_true.shape[-1] != 5 or y_pred.shape[-1] % 4:
            raise ValueError(
                "`y_true` must be of shape (batch, regions, 5), and the last axis of `y_pred` a "
                f"multiple of 4. Received: y_true of shape {tuple(y_true.shape)}, y_pred of shape "
                f"{tuple(y_pred.shape)}."
            )
        valid = self._valid(y_true)
        # Before the subtraction, too: a NaN that is selected away still spoils the gradient.
        y_true = ops.where(ops.expand_dims(valid, axis=-1), y_true, 0)
        classes = integer_labels(y_true[..., :1])
        in_range = ops.logical_and(classes >= 0, classes < y_pred.shape[-1] // 4)
        is_object = classes > 0
        # The offsets of the region's class; of class 0 where there is none, which count nothing.
        index = 4 * ops.where(in_range, classes, 0) + ops.arange(4, dtype="int32")
        offsets = ops.take_along_axis(y_pred, index, axis=-1)
        errors = ops.abs(offsets - y_true[..., 1:])
        losses = ops.where(
            errors < self.beta, 0.5 * errors * errors / self.beta, errors - 0.5 * self.beta
        )
        losses = ops.where(in_range, ops.where(is_object, losses, 0.0), float("nan"))
        return ops.where(valid, ops.sum(losses, axis=-1), 0.0)

    def get_config(self) -> Config:
        return {**super().get_config(), "beta": self.beta}
