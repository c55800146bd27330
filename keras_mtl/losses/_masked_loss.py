"""The average over pixels, or regions, of which some have no target."""

import keras
from keras import ops

from keras_mtl._types import Reduction, Tensor
from keras_mtl.losses._mean_of_known import mean_of_known
from keras_mtl.losses._measured_loss import MeasuredLoss


class MaskedLoss(MeasuredLoss):
    """Base of losses over positions; a subclass says which of them count, and has `call`.

    Positions are pixels, (B, H, W), or regions of interest, (B, R).

    Half precision is computed in float32, and only the result is rounded: float16 ends at 65,504
    positions, and bfloat16 tells labels apart up to 256.
    """

    knows_the_unknown = True
    """So that `KnownLoss` leaves it to this."""

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

    def _paired(self, y_true, y_pred):
        """Targets and predictions as `_valid` and `call` take them."""
        return ops.convert_to_tensor(y_true), y_pred

    def _valid(self, y_true):
        """Returns a bool tensor (B, H, W) or (B, R) of the positions that count."""
        raise NotImplementedError

    def measure(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        y_true, y_pred = self._paired(y_true, y_pred)
        valid = self._valid(y_true)
        y_true, y_pred = (ops.cast(each, self.dtype) for each in (y_true, y_pred))
        loss, share = mean_of_known(self.call(y_true, y_pred), valid, self, sample_weight)
        return ops.cast(loss, self._result_dtype), share
