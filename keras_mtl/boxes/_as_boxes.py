"""Checks that the functions on boxes share."""

import numpy as np


def as_boxes(boxes, name, ndim=2):
    """`boxes` as float32 (N, 4), or (..., 4) if `ndim` is None; an empty list is (0, 4)."""
    try:
        array = np.asarray(boxes, "float32")
    except (TypeError, ValueError) as error:
        raise ValueError(f"`{name}` must be numbers [x1, y1, x2, y2]. Received: {boxes}") from error
    if array.shape == (0,):
        return array.reshape(0, 4)
    if not array.ndim or array.shape[-1] != 4 or ndim not in (None, array.ndim):
        expected = "(..., 4)" if ndim is None else "(N, 4)"
        raise ValueError(
            f"`{name}` must be of shape {expected}, [x1, y1, x2, y2] each. "
            f"Received: shape {array.shape}"
        )
    return array


def check_extent(boxes, name):
    """Raises ValueError, showing the first offender, unless all boxes are finite and not empty."""
    rows = boxes.reshape(-1, 4)
    finite = np.isfinite(rows).all(axis=-1)
    if not finite.all():
        raise ValueError(f"`{name}` must be finite. Received: {first_row(rows, ~finite)}")
    extended = (rows[:, 2:] > rows[:, :2]).all(axis=-1)
    if not extended.all():
        raise ValueError(
            f"`{name}` must have x2 > x1 and y2 > y1. Received: {first_row(rows, ~extended)}"
        )


def first_row(rows, wrong):
    """Names the first of the `wrong` rows, for an error."""
    row = int(np.argmax(wrong))
    return f"{rows[row].tolist()} in row {row}"


def check_size(size):
    """`size` as the floats (height, width)."""
    try:
        height, width = (float(length) for length in size)
    except (TypeError, ValueError):
        height = width = -1.0
    if not (0 < height < np.inf and 0 < width < np.inf):
        raise ValueError(f"`size` must be (height, width), both above 0. Received: {size}")
    return height, width
