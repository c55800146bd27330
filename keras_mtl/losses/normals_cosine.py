"""One minus the cosine of the angle between normals."""

import keras
from keras import ops

from keras_mtl._checks import check_normals_dtype
from keras_mtl._types import Reduction, Tensor
from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.losses._masked_loss import MaskedLoss

# Added to the squared length of a prediction: what keeps the gradient finite at a vector of zeros.
EPSILON = 1e-6


@keras.saving.register_keras_serializable("keras_mtl")
class NormalsCosine(MaskedLoss):
    """1 − cosine of the true and the predicted normal, averaged over the pixels that have one.

    From 0 for the same direction to 2 for the opposite one. The length of a prediction does not
    count, except near zero, where a prediction without a direction has the loss 1. A batch without
    any normal has the loss 0.

    Args:
        reduction: As in `keras.losses.Loss`; the default averages over the valid pixels of the
            batch, as `SegmentationCrossentropy` does.
        name: Name of the loss.
        dtype: dtype of the computation.

    Call arguments:
        y_true: Float tensor (batch, height, width, 3) of unit normals; zeros (or what is not
            finite) mark a pixel without one, which is ignored.
        y_pred: Float tensor (batch, height, width, 3) of vectors of any length.
        sample_weight: Optional, one value a sample or a pixel.

    Raises:
        ValueError: If the shapes do not fit each other, or `y_true` holds integers.

    Source: Sun et al., AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning,
    NeurIPS 2020, which learns normals by their cosine.

    Example:

    >>> loss = NormalsCosine()
    >>> y_true = np.array([[[[0, 0, -1], [0, 0, -1], [0, 0, 0]]]], "float32")
    >>> y_pred = np.array([[[[0, 0, -7], [0, -2, 0], [1, 0, 0]]]], "float32")
    >>> round(float(loss(y_true, y_pred)), 4)  # of 0 and 1; the third pixel has no normal
    0.5
    """

    kind = "normals"

    def __init__(
        self,
        reduction: Reduction | None = "sum_over_batch_size",
        name: str = "normals_cosine",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def _valid(self, y_true):
        if len(y_true.shape) != 4 or y_true.shape[-1] != 3:
            raise ValueError(
                "`y_true` must be of shape (batch, height, width, 3). "
                f"Received: y_true of shape {tuple(y_true.shape)}."
            )
        check_normals_dtype(y_true)
        return NormalsCodebook.is_valid(y_true)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        true, predicted = tuple(y_true.shape), tuple(y_pred.shape)
        if len(true) != len(predicted) or any(
            None not in sizes and sizes[0] != sizes[1]
            for sizes in zip(true, predicted, strict=True)
        ):
            raise ValueError(
                "`y_pred` must have the shape of `y_true`. "
                f"Received: y_pred of shape {predicted}, y_true of shape {true}."
            )
        valid = self._valid(y_true)
        # Before the product, too: a NaN that is selected away still spoils the gradient.
        y_true = ops.where(ops.expand_dims(valid, axis=-1), y_true, 0.0)
        length = ops.sum(ops.square(y_pred), axis=-1)
        cosine = ops.sum(y_true * y_pred, axis=-1) * ops.rsqrt(length + EPSILON)
        return ops.where(valid, 1.0 - cosine, 0.0)
