"""Average precision of each class of a detector."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array
from keras_mtl.boxes import check_boxes, iou
from keras_mtl.metrics.average_precision import average_precision


def detection_average_precision(
    detections: Sequence[Mapping[str, ArrayLike]],
    truths: Sequence[Mapping[str, ArrayLike]],
    num_classes: int,
    iou_threshold: float = 0.5,
    interpolation: Literal["area", "11-point"] = "area",
) -> Array:
    """Average precision of each class over a whole test set, by the rules of PASCAL VOC.

    A detection claims the object of its class and image that it overlaps most. It is right if
    their IoU reaches `iou_threshold` and no better detection has claimed the object; a second
    claim is wrong. Claims on difficult objects are neither, and these objects need not be found.
    Equal scores are one threshold, as in `average_precision`; of equal claims the first given
    counts, which is all the same to the result.

    VOC's files count pixels from 1 and include the last: `x1 = xmin - 1, x2 = xmax` gives the
    overlaps of its development kit.

    Args:
        detections: List of a dict for each image, as of `keras_mtl.boxes.decode_detections`:
            `"boxes"` (D, 4) in pixels, `"classes"` (D,) integers from 1 to N, `"scores"` (D,).
        truths: List of a dict for each image: `"boxes"` (K, 4), `"classes"` (K,), and, if there
            are any, `"difficult"` (K,) booleans.
        num_classes: N, without the background.
        iou_threshold: Above 0, up to 1.
        interpolation: `"area"` or `"11-point"`, as in `average_precision`.

    Returns:
        Array (N,) of float64 for the classes 1 to N; NaN for one that has no object (but
        difficult ones). The mAP is its `np.nanmean`.

    Raises:
        ValueError: The lists differ in length, an entry is missing or of a shape that does not
            fit, a class is not from 1 to N, a box is not finite or has no area, or a score is NaN.

    Source: Everingham et al., The PASCAL Visual Object Classes (VOC) Challenge, IJCV 2010,
    section 4.2, and the development kit of VOC 2008.

    Example:

    >>> from keras_mtl.metrics import detection_average_precision
    >>> found = {"boxes": [[0, 0, 9, 10], [0, 0, 10, 10]], "classes": [1, 1], "scores": [0.9, 0.8]}
    >>> truth = {"boxes": [[0, 0, 10, 10], [50, 50, 70, 70]], "classes": [1, 1]}
    >>> print(detection_average_precision([found], [truth], num_classes=2))
    [0.5 nan]
    """
    if len(detections) != len(truths):
        raise ValueError(
            "`detections` and `truths` must have one dict for each image. "
            f"Received: {len(detections)} and {len(truths)}"
        )
    if not 0 < iou_threshold <= 1:
        raise ValueError(
            f"`iou_threshold` must be above 0 and at most 1. Received: {iou_threshold}"
        )
    classes, scores, positives, objects = [], [], [], []
    for index, (found, truth) in enumerate(zip(detections, truths, strict=True)):
        found = _check(found, f"detections[{index}]", ("boxes", "classes", "scores"), num_classes)
        truth = _check(truth, f"truths[{index}]", ("boxes", "classes"), num_classes)
        right, counts = _match(found, truth, iou_threshold)
        classes.append(found["classes"][counts])
        scores.append(found["scores"][counts])
        positives.append(right[counts])
        objects.append(truth["classes"][~truth["difficult"]])
    classes, scores, positives, objects = (
        np.concatenate(parts) if parts else np.empty(0)
        for parts in (classes, scores, positives, objects)
    )
    return np.array(
        [
            average_precision(
                scores[classes == each],
                positives[classes == each],
                np.sum(objects == each),
                interpolation,
            )
            for each in range(1, num_classes + 1)
        ]
    )


def _match(found, truth, iou_threshold):
    """Which detections of one image are right, and which count at all."""
    right = np.zeros(len(found["scores"]), bool)
    counts = np.ones(len(found["scores"]), bool)
    if not right.size or not truth["classes"].size:
        return right, counts
    overlap = iou(found["boxes"], truth["boxes"])
    overlap[found["classes"][:, None] != truth["classes"]] = 0
    # The claim is on the best object even if it is taken: who claims what needs no order.
    claim = overlap.argmax(axis=1)
    claims = overlap.max(axis=1) >= iou_threshold
    ranking = np.argsort(-found["scores"], kind="stable")
    ranking = ranking[claims[ranking]]
    _, first = np.unique(claim[ranking], return_index=True)
    right[ranking[first]] = True
    return right, ~(claims & truth["difficult"][claim])


def _check(entry, name, required, num_classes):
    """The arrays of one image; scores and difficulty of those that have none are 0."""
    if not set(required) <= set(entry):
        raise ValueError(f"`{name}` must have {required}. Received: {list(entry)}")
    boxes = check_boxes(entry["boxes"], f"{name}['boxes']")
    none = np.zeros(len(boxes))
    arrays = {
        "classes": np.asarray(entry["classes"]),
        "scores": np.asarray(entry.get("scores", none), "float64"),
        "difficult": np.asarray(entry.get("difficult", none)).astype(bool),
    }
    for key, values in arrays.items():
        if values.shape != (len(boxes),):
            raise ValueError(
                f"`{name}[{key!r}]` must have one entry for each of the {len(boxes)} boxes. "
                f"Received: shape {values.shape}"
            )
    if not np.isin(arrays["classes"], np.arange(1, num_classes + 1)).all():
        raise ValueError(
            f"`{name}['classes']` must be integers from 1 to {num_classes}. "
            f"Received: {np.unique(arrays['classes'])}"
        )
    if np.isnan(arrays["scores"]).any():
        raise ValueError(f"`{name}['scores']` must not be NaN. Received: {arrays['scores']}")
    return {"boxes": boxes, **arrays}
