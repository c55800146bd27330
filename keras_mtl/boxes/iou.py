"""How much two boxes overlap."""

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array
from keras_mtl.boxes._as_boxes import as_boxes


def iou(a: ArrayLike, b: ArrayLike) -> Array:
    """Intersection over union of every box of `a` with every box of `b`.

    Args:
        a: Array (N, 4), `[x1, y1, x2, y2]` in pixels.
        b: Array (M, 4).

    Returns:
        Array (N, M) of float32 from 0 to 1. A box without area, such as a RoI that only pads,
        has 0 with every other.

    Raises:
        ValueError: A shape is not (N, 4).

    Example:

    >>> from keras_mtl.boxes import iou
    >>> print(iou([[0, 0, 10, 10]], [[0, 0, 10, 10], [5, 0, 15, 10], [50, 50, 60, 60]]))
    [[1.         0.33333334 0.        ]]
    """
    a, b = as_boxes(a, "a"), as_boxes(b, "b")
    # An axis at a time and in place: no array is larger than the result.
    overlap = _overlap(a[:, 0::2], b[:, 0::2])
    overlap *= _overlap(a[:, 1::2], b[:, 1::2])
    union = _area(a)[:, None] + _area(b)
    union -= overlap
    return np.divide(overlap, union, out=overlap, where=overlap > 0)


def _overlap(a, b):
    """Lengths (N, M) that the intervals (N, 2) and (M, 2) have in common."""
    start = np.maximum(a[:, :1], b[:, 0])
    length = np.minimum(a[:, 1:], b[:, 1])
    length -= start
    return np.maximum(length, 0, out=length)


def _area(boxes):
    width, height = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).T
    return width * height
