"""Boxes as they should be, or a named error."""

from numpy.typing import ArrayLike

from keras_mtl._types import Array, Size
from keras_mtl.boxes._as_boxes import as_boxes, check_extent, first_row
from keras_mtl.boxes.clip_boxes import clip_boxes


def check_boxes(boxes: ArrayLike, name: str = "boxes", size: Size | None = None) -> Array:
    """Returns boxes as float32 (N, 4), or refuses them.

    Args:
        boxes: Numbers (N, 4), `[x1, y1, x2, y2]` in pixels; no box is (0, 4) or an empty list.
        name: What errors call them.
        size: `(height, width)` of the image in pixels: boxes that stick out are clipped to it.
            By default they stay as they are.

    Returns:
        Array (N, 4) of float32.

    Raises:
        ValueError: The shape is wrong, a number is not finite, a box has no area (x2 <= x1 or
            y2 <= y1), or lies outside the image. The message shows the first such row.

    Example:

    >>> from keras_mtl.boxes import check_boxes
    >>> print(check_boxes([[-3, 10, 20, 30]], size=(64, 96)))
    [[ 0. 10. 20. 30.]]
    """
    boxes = as_boxes(boxes, name)
    check_extent(boxes, name)
    if size is None:
        return boxes
    clipped = clip_boxes(boxes, size)
    outside = (clipped[:, 2:] <= clipped[:, :2]).any(axis=-1)
    if outside.any():
        raise ValueError(
            f"`{name}` must overlap the image of (height, width) {tuple(size)}. "
            f"Received: {first_row(boxes, outside)}"
        )
    return clipped
