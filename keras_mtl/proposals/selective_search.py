"""Selective search, through OpenCV's contrib module: an extra, imported where it is used."""

import hashlib
import os
import warnings

import numpy as np

from keras_mtl._checks import check_integer
from keras_mtl._extra import extra
from keras_mtl._files import whole_file
from keras_mtl._types import Array, PathLike
from keras_mtl.boxes import check_boxes

# Goes into the names of the cache files: raise it when the same picture gives other boxes.
_VERSION = 1


def selective_search(
    image: Array,
    cache_dir: PathLike | None = None,
    fast: bool = True,
    max_boxes: int = 2000,
    min_size: int = 20,
) -> Array:
    """Proposes boxes by grouping similar neighbouring regions: selective search.

    It takes 0.8 s for a picture of 500×375 pixels, and 3 s with `fast=False`; a cache makes it a
    matter of the first epoch.

    The method orders its boxes by their place in the grouping, times a random number: large groups
    tend to come first. OpenCV's numbers cannot be seeded from Python, and so the order is made
    here, from the place by area and numbers of our own: the same picture gives the same boxes in
    the same order.

    Args:
        image: uint8 (H, W, 3), RGB.
        cache_dir: Folder that keeps the boxes, one small file a picture, named after what they
            depend on: the pixels and the arguments. A damaged file is made anew, with a warning.
            By default nothing is kept.
        fast: Whether to use the paper's "fast" strategies or those of its "quality" mode.
        max_boxes: The most boxes to return.
        min_size: Boxes with a side below it, in pixels, are left out.

    Returns:
        Float32 (P, 4), `[x1, y1, x2, y2]` in pixels; P may be 0.

    Raises:
        ValueError: The image is no uint8 (H, W, 3), or an argument is out of range.
        ImportError: OpenCV's contrib module is not installed, and the boxes are not in the cache.

    Source: Uijlings et al., Selective Search for Object Recognition, IJCV 2013; sections 3.1 and
    4 for the grouping and the order, 20 pixels as in its code.

    Example:

    ```python
    proposals = [selective_search(image, cache_dir="cache") for image in images]
    ```
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            "`image` must be a uint8 array of shape (H, W, 3). "
            f"Received: {image.dtype} of shape {image.shape}."
        )
    max_boxes = check_integer("max_boxes", max_boxes, 1)
    min_size = check_integer("min_size", min_size, 1)
    if cache_dir is None:
        return _search(image, fast, max_boxes, min_size)
    path = os.path.join(cache_dir, f"{_key(image, bool(fast), max_boxes, min_size)}.npz")
    boxes = _read(path)
    if boxes is None:
        boxes = _search(image, fast, max_boxes, min_size)
        os.makedirs(cache_dir, exist_ok=True)
        with whole_file(path) as unfinished, unfinished.open("wb") as file:
            np.savez_compressed(file, boxes=boxes)
    return boxes


def _search(image, fast, max_boxes, min_size):
    method = _segmentation().createSelectiveSearchSegmentation()
    method.setBaseImage(np.ascontiguousarray(image[..., ::-1]))  # OpenCV's pictures are BGR.
    if fast:
        method.switchToSelectiveSearchFast()
    else:
        method.switchToSelectiveSearchQuality()
    corner, side = np.split(np.asarray(method.process(), "int64").reshape(-1, 4), 2, axis=1)
    kept = (side >= min_size).all(axis=1)
    boxes = np.concatenate([corner, corner + side], axis=1)[kept]
    # OpenCV returns a set of boxes: only their order is random. The largest first, ties by place.
    boxes = boxes[np.lexsort((*boxes.T, -side[kept].prod(axis=1)))]
    priority = np.arange(1, len(boxes) + 1) * np.random.default_rng(0).random(len(boxes))
    return boxes[np.argsort(priority, kind="stable")][:max_boxes].astype("float32")


def _segmentation():
    ximgproc = extra(
        "Selective search needs OpenCV with its contrib modules",
        "detection",
        "cv2.ximgproc",  # OpenCV without those lacks it.
        hint=", and remove other OpenCV packages, which hide it",
    )
    return ximgproc.segmentation


def _key(image, *arguments):
    text = f"{_VERSION} {image.shape} {arguments}"
    return hashlib.sha256(text.encode() + image.tobytes()).hexdigest()[:32]


def _read(path):
    """The boxes of a cache file, or None if they have to be made."""
    if not os.path.exists(path):
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            return check_boxes(file["boxes"], "boxes")
    except MemoryError:
        raise
    except Exception as error:  # A cut or altered zip file raises nearly anything.
        state = "cannot be read" if isinstance(error, OSError) else "is damaged"
        warnings.warn(
            f"The cache file {path} {state} ({error!r}): the boxes are made anew.", stacklevel=3
        )
        return None
