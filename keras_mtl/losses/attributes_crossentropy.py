"""Cross-entropy of the attributes of regions."""

import keras
from keras import ops

from keras_mtl._types import Reduction, Tensor
from keras_mtl.losses._masked_loss import MaskedLoss


@keras.saving.register_keras_serializable("keras_mtl")
class AttributesCrossentropy(MaskedLoss):
    """Binary cross-entropy, summed over the attributes and averaged over the regions that have any.

    A label above 1, or NaN, makes the loss NaN, for a compiled program cannot raise.

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
        y_true: Tensor (batch, regions, attributes) of 0 and 1; -1 where an attribute is not known
            or does not count, as those of background and padding.
        y_pred: Float tensor (batch, regions, attributes) of logits.
        sample_weight: Optional, one value a sample or a region.

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

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        losses = ops.softplus(y_pred) - y_pred * y_true
        # What is neither known nor unknown must not train on: NaN, or -1 that was kept as uint8.
        losses = ops.where(y_true <= 1, losses, float("nan"))
        return ops.sum(ops.where(_is_known(y_true), losses, 0.0), axis=-1)


def _is_known(labels):
    # Not `labels >= 0`: NaN does not mark the unknown.
    return ops.logical_not(labels < 0)
