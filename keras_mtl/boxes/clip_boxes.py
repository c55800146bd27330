"""Boxes cut off at the border of the image."""

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array, Size
from keras_mtl.boxes._as_boxes import as_boxes, check_size


def clip_boxes(boxes: ArrayLike, size: Size) -> Array:
    """Clips boxes to an image.

    Args:
        boxes: Array (..., 4), `[x1, y1, x2, y2]` in pixels.
        size: `(height, width)` of the image in pixels.

    Returns:
        Array (..., 4) of float32, x from 0 to width, y from 0 to height. A box that lies outside
        the image ends up without area.

    Raises:
        ValueError: The shape is not (..., 4), or `size` is not two lengths above 0.

    Example:

    >>> from keras_mtl.boxes import clip_boxes
    >>> print(clip_boxes([[-5, 8, 200, 30]], size=(64, 96)))
    [[ 0.  8. 96. 30.]]
    """
    height, width = check_size(size)
    boxes = as_boxes(boxes, "boxes", ndim=None)
    return np.clip(boxes, 0, np.array([width, height, width, height], "float32"))
