"""Boxes back from their offsets."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array
from keras_mtl.boxes._as_boxes import as_boxes
from keras_mtl.boxes.encode_boxes import STD, check_broadcast, check_std

# No box becomes larger than its RoI by more than 1000 / 16: exp would overflow where an untrained
# network raves. The bound is that of Detectron.
MAX_LOG_SCALE = float(np.log(1000 / 16))


def decode_boxes(offsets: ArrayLike, rois: ArrayLike, std: Sequence[float] = STD) -> Array:
    """Reverses `encode_boxes`.

    Args:
        offsets: Array (..., 4), as of `encode_boxes`; the logarithms of width and height, times
            `std`, count up to log(1000 / 16).
        rois: Array (..., 4), `[x1, y1, x2, y2]` in pixels, whose shape broadcasts with that of
            `offsets`: offsets (R, K, 4) of K classes go with RoIs (R, 1, 4).
        std: Four numbers that the offsets were divided by.

    Returns:
        Array (..., 4) of float32, boxes in pixels; they may reach beyond the image.

    Raises:
        ValueError: A shape does not fit.

    Example:

    >>> from keras_mtl.boxes import decode_boxes
    >>> print(decode_boxes([[1, 0, 0, 0]], rois=[[10, 20, 30, 40]]))
    [[12. 20. 32. 40.]]
    """
    offsets, rois = as_boxes(offsets, "offsets", ndim=None), as_boxes(rois, "rois", ndim=None)
    check_broadcast(offsets, "offsets", rois)
    offsets = offsets * check_std(std)
    roi_size = rois[..., 2:] - rois[..., :2]
    centre = rois[..., :2] + roi_size / 2 + offsets[..., :2] * roi_size
    size = np.exp(np.minimum(offsets[..., 2:], MAX_LOG_SCALE)) * roi_size
    return np.concatenate([centre - size / 2, centre + size / 2], axis=-1)
