"""The mean of a loss over the positions where it is known."""

import keras
from keras import ops

from keras_mtl.losses._pixel_weights import pixel_weights


def mean_of_known(values, known, loss, sample_weight=None):
    """Reduces the values of positions as a loss does, and averages over the known ones.

    The average is that of `keras.losses.SparseCategoricalCrossentropy(ignore_class=...)`. Keras
    gets there by a mask on the tensor, for which it has no public name; here the same numbers go in
    as sample weights.

    Args:
        values: tensor of positions; numbers where nothing is known, too.
        known: bool tensor of its shape.
        loss: the `keras.losses.Loss` that has reduction and dtype.
        sample_weight: as `pixel_weights` takes it, or `None`.

    Returns:
        The loss, and the share of what is known, from 0 to 1.
    """
    weights = ops.cast(known, loss.dtype)
    count, total = ops.sum(weights), ops.cast(ops.size(weights), loss.dtype)
    if loss.reduction in ("sum_over_batch_size", "mean"):
        # These divide by the number of all positions.
        weights = weights * ops.divide_no_nan(total, count)
    if sample_weight is not None:
        # Of what is not known a weight need not be, either.
        weights = ops.where(known, weights * pixel_weights(sample_weight, weights, loss.dtype), 0)
    reduced = _Reduced(name=loss.name, reduction=loss.reduction, dtype=loss.dtype)
    return reduced(values, values, weights), ops.divide_no_nan(count, total)


class _Reduced(keras.losses.Loss):
    """The reduction alone."""

    def call(self, y_true, y_pred):
        return y_pred
