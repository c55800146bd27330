"""The checks of arguments that many take: each stands once, and names the argument."""

import operator
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np


def check_choice(argument: str, value: Any, choices: Iterable) -> None:
    """Raises ValueError, naming the argument, unless `value` is one of `choices`."""
    choices = list(choices)
    if value not in choices:
        raise ValueError(f"`{argument}` must be one of {choices}. Received: {argument}={value!r}.")


def check_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Returns `value` as a Python int; raises ValueError, naming it, if it is out of range."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or number < low or (high is not None and number > high):
        limits = f">= {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"`{name}` must be an integer {limits}. Received: {name}={value!r}.")
    return number


def check_pair(
    argument: str, value: Any, low: int = 1, one_for_both: bool = False
) -> tuple[int, int]:
    """Returns `value` as a pair of ints; raises ValueError, naming it, if it is none.

    Args:
        argument: what the error calls the value.
        value: two integers, in any sequence.
        low: smallest allowed integer.
        one_for_both: whether one integer may stand for both.
    """
    try:
        first, second = (value, value) if one_for_both and not np.ndim(value) else value
        return check_integer(argument, first, low), check_integer(argument, second, low)
    except (TypeError, ValueError):
        single = f"an integer >= {low} or " if one_for_both else ""
        raise ValueError(
            f"`{argument}` must be {single}a pair of integers >= {low}. "
            f"Received: {argument}={value!r}."
        ) from None


def names(value: str | Iterable[str], argument: str) -> list[str]:
    """Names as a list, in which a single one stands alone instead of letter by letter."""
    if isinstance(value, str):
        return [value]
    try:
        found: list[Any] = list(value)
    except TypeError:
        found = [None]
    if not all(isinstance(name, str) for name in found):
        raise ValueError(
            f"`{argument}` must be a name or a list of names. Received: {argument}={value!r}."
        )
    return found


VOID = 255
"""Label of pixels that count neither in losses nor in metrics."""


def check_labels(labels, num_classes, name="labels", void=VOID):
    """Raises a `ValueError`, naming the array, if labels are out of range.

    Without it, a label out of range stops TensorFlow and PyTorch deep inside the step, and JAX
    trains on silently. Whole numbers may come as floats.

    Args:
        labels: array of any shape.
        num_classes: number of classes.
        name: what the array is called.
        void: label that does not count, beside -1 and NaN, or `None`.
    """
    if not any(np.issubdtype(labels.dtype, kind) for kind in (np.integer, np.floating)):
        raise ValueError(f"`{name}` must hold integer labels. Received: dtype={labels.dtype}.")
    unknown = np.isnan(labels) | (labels == -1) | (labels == (-1 if void is None else void))
    bad = ~unknown & ((labels < 0) | (labels >= num_classes) | (labels != np.floor(labels)))
    if bad.any():
        or_void = "" if void is None else f" or {void}"
        raise ValueError(
            f"`{name}` must hold labels from 0 to {num_classes - 1}, or -1{or_void} where there is "
            f"none. Received: {np.unique(labels[bad])[:10].tolist()}."
        )


def check_normals_dtype(normals, name="y_true"):
    """Raises a `ValueError`, naming the array or tensor, unless normals are floats."""
    dtype = keras.backend.standardize_dtype(normals.dtype)
    # int8 has room for -1, 0 and 1, but not for a picture.
    if not keras.backend.is_float_dtype(dtype) and dtype != "int8":
        raise ValueError(
            f"`{name}` must be unit vectors of floats; scale a picture of normals back to "
            f"[-1, 1]. Received: dtype={dtype}."
        )


def check_triplets(name, triplets, num_rows):
    """Raises ValueError, naming the argument, unless they are integers (K, 3) below `num_rows`."""
    if triplets.ndim != 2 or triplets.shape[1] != 3 or triplets.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be integers (K, 3). "
            f"Received: {triplets.dtype} of shape {triplets.shape}."
        )
    if triplets.size and not 0 <= triplets.min() <= triplets.max() < num_rows:
        raise ValueError(
            f"`{name}` must be from 0 to {num_rows - 1}. "
            f"Received: {triplets.min()} to {triplets.max()}."
        )
