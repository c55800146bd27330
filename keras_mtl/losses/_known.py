"""Which labels are known, and what stands in place of those that are not."""

import re

import keras
from keras import ops


def called(thing):
    """The name of a loss or metric, as Keras has it: its own, or of a function or class."""
    if isinstance(thing, str):
        return thing
    name = getattr(thing, "name", None)
    if name is None:
        name = re.sub(r"\W+", "", getattr(thing, "__name__", type(thing).__name__))
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return name


def by_shapes(y_true, y_pred, binary, sparse, categorical):
    """What Keras chooses of these by the shapes of labels and outputs."""
    if y_pred.shape[-1] == 1:
        return binary
    is_sparse = len(y_true.shape) < len(y_pred.shape) or y_true.shape[-1] == 1
    return sparse if is_sparse else categorical


def surely_all(known):
    """Whether it can be seen at once that all is known: outside of a program, and on the CPU.

    With PyTorch, which runs step by step, what is done for missing labels took 1.4 to 1.8 times of
    a small step. Elsewhere it is compiled; of a GPU one would wait for the answer.
    """
    if keras.backend.backend() != "torch" or str(getattr(known, "device", "")) != "cpu":
        return False
    return bool(ops.all(known))


def is_known(labels, marks=()):
    """Bool tensor of the labels' shape: whether each is neither NaN nor one of the marks."""
    dtype = keras.backend.standardize_dtype(labels.dtype)
    is_float = keras.backend.is_float_dtype(dtype)
    if dtype == "bool" or dtype.startswith("uint"):
        labels = ops.cast(labels, "int32")  # Some backends take -1 for 255, others refuse it.
    known = ops.logical_not(ops.isnan(labels)) if is_float else ops.ones_like(labels, dtype="bool")
    for mark in marks:
        if is_float or mark == int(mark):
            known = ops.logical_and(known, ops.not_equal(labels, mark if is_float else int(mark)))
    return known


def with_nan(labels, marks):
    """Labels with NaN in place of the marks, as floats if there are any."""
    if not marks:
        return labels
    return ops.where(is_known(labels, marks), ops.cast(labels, "float32"), float("nan"))


def in_one_shape(y_true, y_pred):
    """Labels (B,) of outputs (B, 1) get their axis, as Keras gives it them, and lose another."""
    true, predicted = len(y_true.shape), len(y_pred.shape)
    if true + 1 == predicted and y_pred.shape[-1] == 1:
        return ops.expand_dims(y_true, axis=-1)
    if true == predicted + 1 and y_true.shape[-1] == 1:
        return ops.squeeze(y_true, axis=-1)
    return y_true


def has_several(y_true, y_pred):
    """Whether there is a label for each of several numbers of an output."""
    return len(y_true.shape) == len(y_pred.shape) > 1 and y_pred.shape[-1] != 1


def filled(y_true, y_pred, known):
    """Labels and outputs with those of a known label where none is known; zeros if all are unknown.

    So that whatever is computed of them is a number there, and no gradient goes through it.

    Args:
        y_true: labels, of the rank of `y_pred`, or with one axis less.
        y_pred: outputs.
        known: bool tensor of the shape of `y_true`.
    """
    y_true = ops.where(known, y_true, ops.zeros_like(y_true))
    known = of_rank(known, _common_axes(y_true, y_pred))
    return _with_first(y_true, known), _with_first(y_pred, known)


def masked(known, mask):
    """What is known and not masked, as Keras has it: a mask of other axes says nothing here."""
    if mask is None or len(mask.shape) != len(known.shape):
        return known
    return ops.logical_and(known, mask)


def of_rank(known, rank):
    """Whether all is known of what the last axes hold."""
    axes = tuple(range(rank, len(known.shape)))
    return ops.all(known, axis=axes) if axes else known


def _common_axes(y_true, y_pred):
    """How many of the first axes of two tensors are the same."""
    count = 0
    for ours, theirs in zip(y_true.shape, y_pred.shape, strict=False):
        if None not in (ours, theirs) and ours != theirs:
            break
        count += 1
    return count


def _with_first(values, known):
    """Values (..., rest), the first known of them in place of each that is not known (...)."""
    rest = values.shape[len(known.shape) :]
    flat = values if len(known.shape) == 1 else ops.reshape(values, (-1, *rest))
    first = ops.argmax(ops.cast(ops.reshape(known, (-1,)), "int32"))
    one = ops.stop_gradient(ops.take(flat, first, axis=0))
    known = ops.reshape(known, (*ops.shape(known), *[1] * len(rest)))
    return ops.where(known, values, one)
