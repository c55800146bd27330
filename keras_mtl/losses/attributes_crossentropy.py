"""Cross-entropy of the attributes of regions."""

import keras
from keras import ops

from keras_mtl._types import Reduction, Tensor
from keras_mtl.losses._masked_loss import MaskedLoss
from keras_mtl.losses._mean_of_known import mean_of_known


@keras.saving.register_keras_serializable("keras_mtl")
class AttributesCrossentropy(MaskedLoss):
    """Binary cross-entropy, summed over the attributes and averaged over the regions that have any.

    A label above 1 makes the loss NaN, for a compiled program cannot raise.

    Beside the loss of a detector it needs a weight of one over the number of attributes, 1/64 in
    the paper.

    Source: Misra et al., "Cross-stitch Networks for Multi-task Learning", CVPR 2016, section 6:
    only foreground regions contribute.

    Args:
        reduction: As in `keras.losses.Loss`; the default averages over the regions of the batch
            of which an attribute is known.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Tensor (batch, regions, attributes) of 0 and 1; -1 or NaN where an attribute is not
            known or does not count, as those of background and padding.
        y_pred: Float tensor (batch, regions, attributes) of logits.
        sample_weight: Optional, one value a sample, a region or an attribute of it.

    Example:

    >>> loss = AttributesCrossentropy()
    >>> y_true = np.array([[[0, 1, -1], [-1, -1, -1]]])
    >>> round(float(loss(y_true, np.zeros((1, 2, 3), "float32"))), 4)  # 2 log(2)
    1.3863
    """

    from_logits = True

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "attributes_crossentropy",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def _valid(self, y_true):
        return ops.any(_is_known(y_true), axis=-1)

    def measure(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        if sample_weight is None:
            return super().measure(y_true, y_pred)
        weights = ops.cast(ops.convert_to_tensor(sample_weight), self.dtype)
        if tuple(weights.shape)[1:] != tuple(y_pred.shape)[1:] or y_pred.shape[-1] == 1:
            return super().measure(y_true, y_pred, weights)
        y_true, y_pred = (ops.cast(each, self.dtype) for each in (y_true, y_pred))
        values = ops.sum(self._each(y_true, y_pred) * weights, axis=-1)
        return mean_of_known(values, self._valid(y_true), self)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return ops.sum(self._each(y_true, y_pred), axis=-1)

    def _each(self, y_true, y_pred):
        known = _is_known(y_true)
        # Before the product, too: a NaN that is selected away still spoils the gradient.
        y_true = ops.where(known, y_true, 0)
        losses = ops.softplus(y_pred) - y_pred * y_true
        # What is neither known nor unknown must not train on, such as -1 that was kept as uint8.
        losses = ops.where(y_true <= 1, losses, float("nan"))
        return ops.where(known, losses, 0.0)


def _is_known(labels):
    return labels >= 0  # A comparison with NaN is false.
