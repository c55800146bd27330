"""A loss that says, too, how much of what it is asked for is known."""

import keras

from keras_mtl._types import Tensor


class MeasuredLoss(keras.losses.Loss):
    """Base of losses over what is known; a subclass has `measure`."""

    def __call__(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        return self.measure(y_true, y_pred, sample_weight)[0]

    def measure(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """The loss, and the share of the positions that are known, from 0 to 1."""
        raise NotImplementedError
