"""Softmax cross-entropy over pixels, or regions, of which some have no label."""

from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.losses._masked_loss import MaskedLoss
from keras_mtl.speed import torch_kernels


class MaskedCrossentropy(MaskedLoss):
    """Base of cross-entropies; a subclass says which class each position has, and whether.

    Its `_valid` returns the second result of `_labels`, without the work for the first.
    """

    from_logits = True

    def _labels(self, y_true):
        """Returns int32 class indices and a bool tensor of valid positions, of one shape."""
        raise NotImplementedError

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        labels, valid = self._labels(y_true)
        if len(y_pred.shape) != len(labels.shape) + 1:
            raise ValueError(
                "`y_pred` must be of shape (*labels, classes) for labels of shape "
                f"{tuple(labels.shape)}. Received: y_pred of shape {tuple(y_pred.shape)}."
            )
        kernels = torch_kernels("_torch_losses")
        if kernels is not None:
            return kernels.crossentropies(y_pred, labels, valid)
        labels = ops.where(valid, labels, 0)
        in_range = ops.logical_and(labels >= 0, labels < y_pred.shape[-1])
        # The backends gather out of range each in its own way, some without a word.
        index = ops.expand_dims(ops.where(in_range, labels, 0), axis=-1)
        # In 0.75 of the time of Keras' own function on JAX, which multiplies by a one-hot tensor
        # there. `ops.log_softmax` would take three times as long on JAX behind `encode`.
        shifted = y_pred - ops.stop_gradient(ops.max(y_pred, axis=-1, keepdims=True))
        picked = ops.squeeze(ops.take_along_axis(shifted, index, axis=-1), axis=-1)
        losses = ops.log(ops.sum(ops.exp(shifted), axis=-1)) - picked
        return ops.where(in_range, ops.where(valid, losses, 0.0), float("nan"))
