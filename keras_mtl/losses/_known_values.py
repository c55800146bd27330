"""What a function makes of labels and outputs, at the positions where labels are known."""

import keras
from keras import ops

from keras_mtl.losses._known import filled, has_several, of_rank

OF_EACH_VALUE = {
    keras.losses.binary_crossentropy,
    keras.losses.binary_focal_crossentropy,
    keras.losses.hinge,
    keras.losses.huber,
    keras.losses.log_cosh,
    keras.losses.mean_absolute_error,
    keras.losses.mean_absolute_percentage_error,
    keras.losses.mean_squared_error,
    keras.losses.mean_squared_logarithmic_error,
    keras.losses.poisson,
    keras.losses.squared_hinge,
}
"""Functions of Keras that are the mean over the last axis of what they make of each value."""

OF_SUMS = {keras.losses.dice, keras.losses.tversky}
"""Functions of Keras of sums, to which zeros add nothing."""

OF_SCORES = {
    keras.losses.categorical_crossentropy,
    keras.losses.sparse_categorical_crossentropy,
}
"""Functions of Keras of all scores of a position, which may be logits."""

ALWAYS_FINITE = (
    OF_EACH_VALUE - {keras.losses.mean_absolute_percentage_error, keras.losses.poisson}
) | {
    keras.metrics.binary_accuracy,
    keras.metrics.categorical_accuracy,
    keras.metrics.sparse_categorical_accuracy,
}
"""Functions of Keras of which values and gradients are numbers for a label and an output of 0."""

OF_PAIRS = {keras.losses.circle}
"""Functions of Keras that compare the rows of a batch with each other."""


def counts_each_value(function, y_true, y_pred):
    """Whether each of several numbers of an output counts by itself."""
    return function in OF_EACH_VALUE and has_several(y_true, y_pred)


def known_values(call, function, y_true, y_pred, known, options):
    """What is computed at each position, 0 where nothing is known, and whether it is known.

    Args:
        call: what is called with labels and outputs: a function, or what has its options.
        function: the function, by which it is known what its values are of.
        y_true: labels, of the rank of `y_pred` or with one axis less.
        y_pred: outputs.
        known: bool tensor of the shape of `y_true`.
        options: what it is called with, beside those: `axis` is that of the scores of a position.

    Returns:
        Two tensors of one shape.
    """
    values, known = _values(call, function, y_true, y_pred, known, options)
    # What is computed where nothing is known may be no number.
    return ops.where(known, values, ops.zeros_like(values)), known


def _values(call, function, y_true, y_pred, known, options):
    axis = options.get("axis", -1)
    if function in OF_SUMS:
        values = call(*(ops.where(known, each, 0) for each in (y_true, y_pred)))
        axes = tuple(range(max(len(values.shape), 1), len(known.shape)))
        return _by_rows(values, y_pred), ops.any(known, axis=axes) if axes else known
    last, lower = axis in (-1, len(y_pred.shape) - 1), len(y_true.shape) < len(y_pred.shape)
    if function in ALWAYS_FINITE or (function in OF_SCORES and options.get("from_logits")):
        of_scores = ops.expand_dims(known, axis=axis) if lower else known
        true, predicted = ops.where(known, y_true, 0), ops.where(of_scores, y_pred, 0)
    elif lower and not last:
        true, predicted = filled(y_true, y_true, known)[0], y_pred  # In no common order.
    else:
        true, predicted = filled(y_true, y_pred, known)
    if counts_each_value(function, y_true, y_pred):
        return call(ops.expand_dims(true, axis=axis), ops.expand_dims(predicted, axis=axis)), known
    values = call(true, predicted)
    if len(values.shape) == 0:  # One number for all.
        whole = _by_rows(values, y_pred)
        try:
            rows = ops.vectorized_map(
                lambda row: call(*(each[None] for each in row)), (true, predicted)
            )
        except Exception:  # Of a function that wants several rows, whatever it says then.
            rows = ops.full_like(whole, float("nan"))
        values = ops.where(ops.all(known), whole, rows)
    elif function in OF_PAIRS:
        values = ops.where(ops.all(known), values, float("nan"))
    if not last and len(values.shape) == len(known.shape) - 1:
        return values, ops.all(known, axis=axis)
    return values, of_rank(known, len(values.shape))


def _by_rows(value, y_pred):
    """One number of a batch as that of each of its rows."""
    if len(value.shape) > 0:
        return value
    return ops.broadcast_to(value, ops.shape(y_pred)[:1])
