"""What a detector found in one image."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array, Size
from keras_mtl.boxes._as_boxes import as_boxes, first_row
from keras_mtl.boxes.clip_boxes import clip_boxes
from keras_mtl.boxes.decode_boxes import decode_boxes
from keras_mtl.boxes.encode_boxes import STD
from keras_mtl.boxes.non_maximum_suppression import non_maximum_suppression


def decode_detections(
    outputs: Mapping[str, Array],
    rois: ArrayLike,
    size: Size,
    *,
    from_logits: bool = True,
    score_threshold: float = 0.05,
    iou_threshold: float = 0.3,
    max_detections: int | None = 100,
    std: Sequence[float] = STD,
) -> dict[str, Array]:
    """Turns a detector's outputs for one image into objects: class, box, score, attributes.

    Every RoI may become an object of every class but the background: where the class's
    probability is above `score_threshold`, its offsets give the box, which is clipped to the
    image; non-maximum suppression follows in each class by itself. Boxes that lie outside the
    image and RoIs that only pad (without area) are left out.

    Args:
        outputs: Dict of arrays for the R RoIs of one image: `"detection_classes"` (R, 1 + N),
            the background first; `"detection_boxes"` (R, 4 * (1 + N)), the offsets of
            `encode_boxes`, four for each class; and, if the detector has them, `"attributes"`
            (R, A).
        rois: Array (R, 4), `[x1, y1, x2, y2]` in pixels.
        size: `(height, width)` of the image in pixels.
        from_logits: Whether classes and attributes are logits; otherwise they are probabilities,
            such as an ensemble's.
        score_threshold: Probability that a class must exceed.
        iou_threshold: Of two boxes of a class with a larger IoU, only the better stays.
        max_detections: The number of objects at most, the best ones; None for no limit.
        std: Four numbers that the offsets were divided by.

    Returns:
        Dict of arrays for D objects, best first (of equal scores the earlier RoI, then the lower
        class): `"boxes"` (D, 4) in pixels, `"classes"` (D,) integers from 1 to N, `"scores"`
        (D,) probabilities, and `"attributes"` (D, A), the probabilities of the object's RoI, if
        `outputs` has them.

    Raises:
        ValueError: An output is missing, not finite, of a shape that does not fit, or, unless
            `from_logits`, not a probability; a RoI is not finite; a number is out of range.

    Source: Girshick, Fast R-CNN, ICCV 2015, section 3; its code for the thresholds.

    Example:

    >>> from keras_mtl.boxes import decode_detections
    >>> outputs = {"detection_classes": [[0.0, 1.0, 9.0]], "detection_boxes": np.zeros((1, 12))}
    >>> found = decode_detections(outputs, rois=[[10, 20, 30, 40]], size=(64, 96))
    >>> print(found["classes"], found["boxes"])
    [2] [[10. 20. 30. 40.]]
    """
    if not 0 <= score_threshold <= 1:
        raise ValueError(f"`score_threshold` must be from 0 to 1. Received: {score_threshold}")
    if max_detections is not None and max_detections < 1:
        raise ValueError(
            f"`max_detections` must be at least 1, or None. Received: {max_detections}"
        )
    rois = as_boxes(rois, "rois")
    if not np.isfinite(rois).all():
        wrong = ~np.isfinite(rois).all(axis=-1)
        raise ValueError(f"`rois` must be finite. Received: {first_row(rois, wrong)}")
    outputs = _check_outputs(outputs, len(rois), from_logits)
    scores, attributes = outputs["detection_classes"], outputs.get("attributes")
    if from_logits:
        scores = _softmax(scores)
        attributes = None if attributes is None else _sigmoid(attributes)
    offsets = outputs["detection_boxes"].reshape(*scores.shape, 4)

    above = scores > score_threshold
    above[:, 0] = False  # The background is no object.
    rows, classes = np.nonzero(above)
    boxes = clip_boxes(decode_boxes(offsets[rows, classes], rois[rows], std), size)
    # Without area is what lies outside the image, or comes from a RoI that only pads.
    inside = (boxes[:, 2:] > boxes[:, :2]).all(axis=-1)
    rows, classes, boxes = rows[inside], classes[inside], boxes[inside]
    scores = scores[rows, classes]

    kept = [np.empty(0, "int64")]
    for each in np.unique(classes):
        members = np.flatnonzero(classes == each)
        # No class has more than `max_detections` among the best of all.
        best = non_maximum_suppression(
            boxes[members], scores[members], iou_threshold, max_detections
        )
        kept.append(members[best])
    kept = np.sort(np.concatenate(kept))
    kept = kept[np.argsort(-scores[kept], kind="stable")][:max_detections]
    found = {"boxes": boxes[kept], "classes": classes[kept], "scores": scores[kept]}
    if attributes is not None:
        found["attributes"] = attributes[rows[kept]]
    return found


def _check_outputs(outputs, num_rois, from_logits):
    """The outputs as float32, by name."""
    known = ("detection_classes", "detection_boxes", "attributes")
    if not set(known[:2]) <= set(outputs):
        raise ValueError(f"`outputs` must have {known[:2]}. Received: {list(outputs)}")
    arrays = {name: np.asarray(outputs[name], "float32") for name in known if name in outputs}
    for name, array in arrays.items():
        if array.ndim != 2 or len(array) != num_rois:
            raise ValueError(
                f"`outputs[{name!r}]` must have a row for each of the {num_rois} RoIs of one "
                f"image. Received: shape {array.shape}"
            )
        if not np.isfinite(array).all():
            wrong = ~np.isfinite(array).all(axis=-1)
            raise ValueError(
                f"`outputs[{name!r}]` must be finite. Received: {first_row(array, wrong)}"
            )
        # An average may end a rounding error above 1.
        if not (from_logits or name == "detection_boxes" or ((array >= 0) & (array < 1.001)).all()):
            raise ValueError(
                f"`outputs[{name!r}]` must be probabilities, unless `from_logits`. "
                f"Received: from {array.min()} to {array.max()}"
            )
    classes, boxes = (arrays[name].shape[1] for name in known[:2])
    if classes < 2 or boxes != 4 * classes:
        raise ValueError(
            "`outputs['detection_classes']` must have a column for the background and for each "
            "class, `outputs['detection_boxes']` four for each of these. "
            f"Received: {classes} and {boxes} columns"
        )
    return arrays


def _softmax(logits):
    scores = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return scores / scores.sum(axis=-1, keepdims=True)


def _sigmoid(logits):
    return (1 + np.tanh(logits / 2)) / 2  # Does not overflow, as exp would.
