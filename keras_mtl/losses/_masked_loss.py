"""The average over pixels, or regions, of which some have no target."""

import keras
from keras import ops

from keras_mtl._types import Reduction, Tensor
from keras_mtl.losses._pixel_weights import pixel_weights


class MaskedLoss(keras.losses.Loss):
    """Base of losses over positions; a subclass says which of them count, and has `call`.

    Positions are pixels, (B, H, W), or regions of interest, (B, R). The average is that of
    `keras.losses.SparseCategoricalCrossentropy(ignore_class=...)`: over the valid positions of the
    batch. Keras gets there by a mask on the tensor, for which it has no public
    name; here the same numbers go in as sample weights.

    Half precision is computed in float32, and only the result is rounded: float16 ends at 65,504
    positions, and bfloat16 tells labels apart up to 256.
    """

    def __init__(
        self,
        name: str,
        reduction: Reduction | None,
        dtype: str | keras.DTypePolicy | None,
    ) -> None:
        policy = keras.dtype_policies.get(dtype or keras.config.floatx())
        self._result_dtype = policy.compute_dtype
        half = self._result_dtype in ("float16", "bfloat16")
        super().__init__(name=name, reduction=reduction, dtype="float32" if half else policy)

    def _valid(self, y_true):
        """Returns a bool tensor (B, H, W) or (B, R) of the positions that count."""
        raise NotImplementedError

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        y_true = ops.convert_to_tensor(y_true)
        weights = ops.cast(self._valid(y_true), self.dtype)
        if self.reduction in ("sum_over_batch_size", "mean"):
            # These divide by the number of all positions.
            total = ops.cast(ops.size(weights), self.dtype)
            weights = weights * ops.divide_no_nan(total, ops.sum(weights))
        if sample_weight is not None:
            weights = weights * pixel_weights(sample_weight, weights, self.dtype)
        return ops.cast(super().__call__(y_true, y_pred, weights), self._result_dtype)
