"""The objects of pictures, each as a picture of its own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_integer
from keras_mtl._types import Array
from keras_mtl.boxes import check_boxes


def object_crops(
    images: Array | Sequence[ArrayLike],
    boxes: Sequence[ArrayLike],
    size: int = 32,
    margin: float = 0.1,
) -> Array:
    """Cuts the objects out of pictures and brings them to one size, to classify them one by one.

    What is cut out is the smallest square around the box and its margin, about the same centre, so
    that nothing is distorted. Where it leaves the picture, the border's pixels go on. It is resized
    bilinearly; where it shrinks, each pixel is a weighted average of all that it covers.

    Args:
        images: uint8 (N, H, W, 3), or a list of N arrays (H, W, 3) that may differ in size.
        boxes: List of N arrays (K, 4 or more), which start with x1, y1, x2, y2 in pixels, x2 and y2
            exclusive, such as those of `rooms`. What sticks out of the picture is cut off; K may
            be 0.
        size: Height and width of the crops in pixels.
        margin: What is added to each side of a box, as a fraction of its width or height.

    Returns:
        uint8 (M, size, size, 3): a crop for each of the M boxes, in their order.

    Raises:
        ValueError: If an argument is out of range, an image or a box is not of the form above, or a
            box has no area or lies outside its picture. The message shows it.

    Example:

    >>> from keras_mtl.datasets import object_crops
    >>> images = np.zeros((2, 96, 96, 3), "uint8")
    >>> boxes = [np.array([[10, 20, 40, 90], [50, 0, 96, 30]]), np.array([[3, 3, 9, 7]])]
    >>> object_crops(images, boxes).shape
    (3, 32, 32, 3)
    """
    size = check_integer("size", size, 1)
    if not 0 <= margin < np.inf:
        raise ValueError(f"`margin` must be at least 0, and finite. Received: margin={margin}.")
    if len(images) != len(boxes):
        raise ValueError(
            "`boxes` must have one entry for each image. "
            f"Received: {len(boxes)} entries for {len(images)} images."
        )
    images = [np.asarray(image) for image in images]
    clipped = [
        _clipped(*pair, number) for number, pair in enumerate(zip(images, boxes, strict=True))
    ]
    crops = np.empty((sum(map(len, clipped)), size, size, 3), "uint8")
    empty = iter(crops)
    for image, of_image in zip(images, clipped, strict=True):
        for box in of_image.tolist():
            next(empty)[:] = _crop(image, box, size, margin)
    return crops


def _clipped(image, boxes, number):
    """The boxes of a picture, clipped to it, as float32 (K, 4)."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            "`images` must be uint8 of shape (H, W, 3) each. Received: "
            f"{image.dtype} of shape {image.shape} as images[{number}]."
        )
    coordinates = np.atleast_1d(boxes)[..., :4]
    return check_boxes(coordinates, f"boxes[{number}]", size=image.shape[:2])


def _crop(image, box, size, margin):
    x1, y1, x2, y2 = box
    side = (1 + 2 * margin) * max(x2 - x1, y2 - y1)
    rows, down = _resampling((y1 + y2 - side) / 2, side, size, image.shape[0])
    columns, across = _resampling((x1 + x2 - side) / 2, side, size, image.shape[1])
    window = image[rows[:, None], columns].astype("float32")
    narrow = across @ window  # (rows, size, 3)
    return np.rint(np.tensordot(down, narrow, 1))


def _resampling(start, side, size, limit):
    """How one axis of a crop comes of the picture's.

    Returns:
        The positions of the pixels that are read, from 0 to `limit` - 1, and the weight of each in
        each pixel of the crop, float32 (size, positions).
    """
    step = side / size
    reach = max(step, 1)  # of the triangle that weights the pixels around a place
    places = start + step * (np.arange(size) + 0.5) - 0.5
    pixels = np.arange(np.floor(places[0] - reach), np.ceil(places[-1] + reach) + 1)
    weights = np.maximum(0, 1 - np.abs(pixels - places[:, None]) / reach)
    weights /= weights.sum(axis=1, keepdims=True)
    # Beyond the border its last pixel is read again.
    return np.clip(pixels, 0, limit - 1).astype(int), weights.astype("float32")
