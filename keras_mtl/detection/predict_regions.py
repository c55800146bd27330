"""A detector's outputs for each image's own regions."""

from collections.abc import Iterator, Sequence
from typing import Literal

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_integer
from keras_mtl._types import Array, Pictures, Size
from keras_mtl.boxes import canvas, check_boxes


def predict_regions(
    model: keras.Model,
    images: Pictures,
    rois: Sequence[ArrayLike],
    *,
    batch_size: int = 1,
    pad_to: tuple[int, int] | None = None,
    verbose: int | Literal["auto"] = "auto",
) -> Iterator[tuple[dict[str, Array], Array, Size]]:
    """Runs a detector on images, each with any number of regions.

    RoIs are padded to the largest number of them, so that with `pad_to`, or images of one size, all
    batches have one shape and the model is compiled once.

    Args:
        model: a model such as `keras_mtl.applications.FastRCNN` builds, or an `Ensemble` of them.
        images: array (N, H, W, 3), or a sequence of N arrays (h, w, 3), RGB from 0 to 255.
        rois: list of N arrays (R, 4) `[x1, y1, x2, y2]` in pixels; R may be 0. What reaches
            outside the image is cut off.
        batch_size: images a batch.
        pad_to: `(height, width)` in pixels of what images of several sizes are padded to at the
            right and the bottom, or `None` if all have one size.
        verbose: 0 for no progress bar, 1 or `"auto"` for one.

    Returns:
        A generator that yields for each image `(outputs, rois, size)`, what
        `keras_mtl.boxes.decode_detections` takes: a dict from the name of an output to an array
        with a row for each RoI; the RoIs themselves, clipped to the image; and its
        `(height, width)`.

    Raises:
        ValueError: another number of images than of RoI arrays, a bad box (see
            `keras_mtl.boxes.check_boxes`) or an image that does not fit.

    Example:

    >>> import numpy as np, keras_mtl
    >>> model = keras_mtl.applications.FastRCNN(
    ...     keras_mtl.sharing.Branched.independent(), 3, None, width=0.05)
    >>> rois = [[[0, 0, 32, 32], [8, 8, 60, 60]], []]
    >>> images = np.zeros((2, 64, 64, 3))
    >>> [outputs["detection_classes"].shape for outputs, _, _ in
    ...     keras_mtl.predict_regions(model, images, rois, verbose=0)]
    [(2, 4), (0, 4)]
    """
    if len(images) != len(rois):
        raise ValueError(
            f"`rois` must have an array for each of the {len(images)} images. "
            f"Received: {len(rois)}."
        )
    batch_size = check_integer("batch_size", batch_size, 1)
    return _regions(model, images, rois, batch_size, pad_to, int(verbose == "auto" or verbose))


def _regions(model, images, rois, batch_size, pad_to, verbose):
    slots = max([1, *map(len, rois)])
    bar = keras.utils.Progbar(len(images), verbose=verbose)
    for start in range(0, len(images), batch_size):
        numbers = range(start, min(start + batch_size, len(images)))
        batch = [_checked(images[number], f"images[{number}]") for number in numbers]
        regions = [
            check_boxes(rois[number], f"rois[{number}]", image.shape[:2])
            for number, image in zip(numbers, batch, strict=True)
        ]
        # The last batch is filled up with its last image.
        filled = [*batch, *[batch[-1]] * (batch_size - len(batch))]
        padded = np.zeros((batch_size, slots, 4), "float32")
        for row, boxes in zip(padded, regions, strict=False):
            row[: len(boxes)] = boxes
        outputs = model.predict_on_batch({"image": canvas(filled, pad_to), "rois": padded})
        for row, (image, boxes) in enumerate(zip(batch, regions, strict=True)):
            of_image = {name: x[row, : len(boxes)] for name, x in outputs.items()}
            yield of_image, boxes, image.shape[:2]
        bar.update(numbers[-1] + 1)


def _checked(image, name):
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or not np.isfinite(image).all():
        raise ValueError(
            f"`{name}` must be a finite array (h, w, 3). Received: shape {image.shape}"
            f"{'' if image.ndim != 3 or image.shape[2] != 3 else ', with NaN or infinite values'}."
        )
    return image
