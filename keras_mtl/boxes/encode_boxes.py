"""Boxes as offsets from RoIs, what a detector learns to predict."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array
from keras_mtl.boxes._as_boxes import as_boxes, check_extent

STD = (0.1, 0.1, 0.2, 0.2)


def encode_boxes(boxes: ArrayLike, rois: ArrayLike, std: Sequence[float] = STD) -> Array:
    """Codes boxes as offsets from RoIs.

    With centres (cx, cy), widths w and heights h, and an index r for the RoI, the offsets are
    (cx - cx_r) / w_r, (cy - cy_r) / h_r, log(w / w_r) and log(h / h_r), each divided by its `std`.

    Args:
        boxes: Array (..., 4), `[x1, y1, x2, y2]` in pixels.
        rois: Array (..., 4) in pixels, whose shape broadcasts with that of `boxes`.
        std: Four numbers that the offsets are divided by, so that their spread is about 1.

    Returns:
        Array (..., 4) of float32.

    Raises:
        ValueError: A shape does not fit, or a box or RoI is not finite or has no area: leave out
            RoIs that only pad.

    Source: Girshick et al., Rich Feature Hierarchies for Accurate Object Detection, CVPR 2014,
    appendix C, equations 6 to 9; the division by fixed numbers, as in the code of Fast R-CNN.

    Example:

    >>> from keras_mtl.boxes import encode_boxes
    >>> print(encode_boxes([[12, 20, 32, 40]], rois=[[10, 20, 30, 40]]))
    [[1. 0. 0. 0.]]
    """
    boxes, rois = as_boxes(boxes, "boxes", ndim=None), as_boxes(rois, "rois", ndim=None)
    check_extent(boxes, "boxes")
    check_extent(rois, "rois")
    check_broadcast(boxes, "boxes", rois)
    size, roi_size = boxes[..., 2:] - boxes[..., :2], rois[..., 2:] - rois[..., :2]
    shift = (boxes[..., :2] + size / 2) - (rois[..., :2] + roi_size / 2)
    offsets = np.concatenate([shift / roi_size, np.log(size / roi_size)], axis=-1)
    return offsets / check_std(std)


def check_broadcast(values, name, rois):
    """Raises ValueError unless the shapes of the values and the RoIs broadcast."""
    try:
        np.broadcast_shapes(values.shape, rois.shape)
    except ValueError as error:
        raise ValueError(
            f"`{name}` and `rois` must be of shapes that broadcast. "
            f"Received: {values.shape} and {rois.shape}"
        ) from error


def check_std(std):
    """`std` as float32 (4,)."""
    array = np.asarray(std, "float32")
    if array.shape != (4,) or not (array > 0).all():
        raise ValueError(f"`std` must be four numbers above 0. Received: {std}")
    return array
