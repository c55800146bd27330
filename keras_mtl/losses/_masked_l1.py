"""The absolute error of maps, of which not all values are known."""

from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.losses._masked_loss import MaskedLoss
from keras_mtl.losses._paired_maps import paired_maps


class MaskedL1(MaskedLoss):
    """Base of losses that average absolute errors; a subclass says what is known."""

    _several_channels = True

    def _paired(self, y_true, y_pred):
        return paired_maps(y_true, y_pred, self.dtype, self._several_channels)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        valid = self._valid(y_true)
        # Before the subtraction, too: a NaN that is selected away still spoils the gradient.
        errors = ops.abs(y_pred - ops.where(valid, y_true, 0.0))
        return ops.where(valid, errors, 0.0)
