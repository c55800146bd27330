"""Objects in images: boxes, classes, scores, attributes."""

from collections.abc import Sequence
from typing import Any, Literal

import keras
from numpy.typing import ArrayLike

from keras_mtl._types import Array, Pictures
from keras_mtl.boxes import decode_detections
from keras_mtl.detection.predict_regions import predict_regions
from keras_mtl.ensemble import Ensemble


def detect(
    model: keras.Model,
    images: Pictures,
    proposals: Sequence[ArrayLike],
    *,
    batch_size: int = 1,
    pad_to: tuple[int, int] | None = None,
    verbose: int | Literal["auto"] = "auto",
    **options: Any,
) -> list[dict[str, Array]]:
    """Finds objects in images.

    Args:
        model: a detector, such as `keras_mtl.applications.CrossStitchFastRCNN` builds, or an
            `Ensemble`, such as of a detector and a network for attributes.
        images, batch_size, pad_to, verbose: as in `predict_regions`.
        proposals: list of arrays (R, 4) of regions that may hold an object, one for each image,
            such as `keras_mtl.proposals.selective_search` makes.
        **options: `score_threshold`, `iou_threshold`, `max_detections`, `std` of
            `keras_mtl.boxes.decode_detections`.

    Returns:
        List of dicts, one for each image, as `keras_mtl.boxes.decode_detections` returns:
        `"boxes"` in pixels, `"classes"`, `"scores"` and, if the model has them, `"attributes"`.

    Raises:
        ValueError: as `predict_regions` and `keras_mtl.boxes.decode_detections`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> model = keras_mtl.applications.CrossStitchFastRCNN(3, 5, width=0.05)
    >>> rois = [[[0, 0, 32, 32], [8, 8, 60, 60]]]
    >>> (found,) = keras_mtl.detect(model, np.zeros((1, 64, 64, 3)), rois, verbose=0)
    >>> found["boxes"].shape[1], found["attributes"].shape[1]
    (4, 5)
    """
    regions = predict_regions(
        model, images, proposals, batch_size=batch_size, pad_to=pad_to, verbose=verbose
    )
    from_logits = not isinstance(model, Ensemble)
    return [
        decode_detections(outputs, rois, size, from_logits=from_logits, **options)
        for outputs, rois, size in regions
    ]
