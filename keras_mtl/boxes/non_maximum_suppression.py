"""One box for each object."""

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array
from keras_mtl.boxes._as_boxes import as_boxes
from keras_mtl.boxes.iou import iou


def non_maximum_suppression(
    boxes: ArrayLike, scores: ArrayLike, iou_threshold: float = 0.3, max_boxes: int | None = None
) -> Array:
    """Keeps the best box and drops all that overlap it too much, over and over.

    Args:
        boxes: Array (N, 4), `[x1, y1, x2, y2]` in pixels.
        scores: Array (N,); of equal scores the earlier is the better.
        iou_threshold: A box goes if its IoU with a better one that stays is above this.
        max_boxes: Number of boxes at which to stop; by default there is no limit.

    Returns:
        Integer array of the rows that stay, best first.

    Raises:
        ValueError: A shape does not fit, a score is NaN, or a number is out of range.

    Source: Girshick, Fast R-CNN, ICCV 2015, section 3 (the greedy rule of R-CNN, per class).

    Example:

    >>> from keras_mtl.boxes import non_maximum_suppression
    >>> boxes = [[0, 0, 10, 10], [0, 0, 10, 9], [50, 50, 60, 60]]
    >>> print(non_maximum_suppression(boxes, scores=[0.6, 0.9, 0.3]))
    [1 2]
    """
    boxes, scores = as_boxes(boxes, "boxes"), np.asarray(scores, "float32")
    if scores.shape != boxes.shape[:1] or np.isnan(scores).any():
        raise ValueError(
            f"`scores` must be ({len(boxes)},) numbers, one a box. Received: shape {scores.shape}"
            f" with {np.isnan(scores).sum()} NaN"
        )
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"`iou_threshold` must be from 0 to 1. Received: {iou_threshold}")
    if max_boxes is not None and max_boxes < 1:
        raise ValueError(f"`max_boxes` must be at least 1, or None. Received: {max_boxes}")
    rest = np.argsort(-scores, kind="stable")
    kept = []
    while rest.size and len(kept) != max_boxes:
        best, rest = rest[0], rest[1:]
        kept.append(best)
        rest = rest[iou(boxes[best : best + 1], boxes[rest])[0] <= iou_threshold]
    return np.array(kept, "int64")
