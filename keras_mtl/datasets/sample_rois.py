"""RoIs to learn from, and what they are: Fast R-CNN's sampler."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_integer
from keras_mtl._types import Array
from keras_mtl.boxes import check_boxes, encode_boxes, iou
from keras_mtl.boxes.encode_boxes import STD, check_std


def sample_rois(
    boxes: ArrayLike,
    classes: ArrayLike,
    attributes: ArrayLike,
    proposals: ArrayLike,
    rng: np.random.Generator,
    num_rois: int = 64,
    foreground_fraction: float = 0.25,
    foreground_iou: float = 0.5,
    background_iou: tuple[float, float] = (0.1, 0.5),
    std: Sequence[float] = STD,
    difficult: ArrayLike | None = None,
) -> dict[str, Array]:
    """Draws the RoIs of one picture and their targets.

    Candidates are the proposals and the true boxes themselves. Foreground is what overlaps its
    best true box by `foreground_iou` or more; it takes that box's class, offsets and attributes.
    Background is what overlaps its best true box by an IoU within `background_iou`. Both are drawn
    without replacement, and where there are too few of them, RoIs that only pad follow.

    Difficult objects are not learned from, but neither is a candidate that covers one (IoU of
    `foreground_iou` or more) background. In a picture with nothing to learn from, no overlap
    reaches .1: there any other proposal is background.

    Args:
        boxes: Array (K, 4), the true boxes, `[x1, y1, x2, y2]` in pixels; K may be 0.
        classes: Integers (K,), 1..N; 0 is the background.
        attributes: Array (K, A) of 0 and 1, or -1 where unknown.
        proposals: Array (P, 4) in pixels; P may be 0.
        rng: A `numpy.random.Generator`.
        num_rois: Number of RoIs, R.
        foreground_fraction: Most of them, 0 to 1, that may be foreground.
        foreground_iou: Least IoU of the foreground.
        background_iou: IoUs of the background, from the first to below the second.
        std: Four numbers that the offsets are divided by.
        difficult: Booleans (K,), by default none.

    Returns:
        A dict of arrays, the foreground first and the padding last:

        - `rois`: float32 (R, 4); zeros where they pad.
        - `detection_classes`: int32 (R,), 0 for background, -1 for padding.
        - `detection_boxes`: float32 (R, 5): the class, and the four offsets of the true box from
          the RoI; zeros where there is none.
        - `attributes`: float32 (R, A), -1 unless the RoI is foreground.

    Raises:
        ValueError: An argument is out of range, a box is degenerate, or lengths differ.

    Source: Girshick, Fast R-CNN, ICCV 2015, section 2.3, "Mini-batch sampling".

    Example:

    >>> from keras_mtl.datasets import sample_rois
    >>> near, aside = [12, 10, 32, 30], [20, 10, 50, 30]
    >>> rng = np.random.default_rng(0)
    >>> sample = sample_rois([[10, 10, 30, 30]], [3], [[1, 0]], [near, aside], rng, num_rois=4)
    >>> print(sample["detection_classes"], sample["attributes"][0])
    [ 3  0 -1 -1] [1. 0.]
    """
    proposals, boxes = check_boxes(proposals, "proposals"), check_boxes(boxes, "boxes")
    classes, attributes = np.asarray(classes, "int32"), np.asarray(attributes, "float32")
    num_rois = check_integer("num_rois", num_rois, 1)
    check_sampling(foreground_fraction, foreground_iou, background_iou, std)
    difficult = np.zeros(len(boxes), bool) if difficult is None else np.asarray(difficult, bool)
    if attributes.ndim != 2:
        raise ValueError(
            "`attributes` must be of shape (K, A), also where there is no box. "
            f"Received: shape {attributes.shape}."
        )
    check_lengths(boxes, classes=classes, attributes=attributes, difficult=difficult)
    hard, boxes = boxes[difficult], boxes[~difficult]
    classes, attributes = classes[~difficult], attributes[~difficult]

    candidates = np.concatenate([boxes, proposals])
    truth, overlap = _best(candidates, boxes)
    low, high = background_iou if len(boxes) else (0, 1)
    is_background = (overlap >= low) & (overlap < high)
    is_background &= _best(candidates, hard)[1] < foreground_iou
    most = max(round(foreground_fraction * num_rois), int(foreground_fraction > 0))
    foreground = _draw(overlap >= foreground_iou, most, rng)
    background = _draw(is_background, num_rois - len(foreground), rng)

    drawn, known = np.concatenate([foreground, background]), len(foreground)
    truth = truth[foreground]
    sample = {
        "rois": np.zeros((num_rois, 4), "float32"),
        "detection_classes": np.full(num_rois, -1, "int32"),
        "detection_boxes": np.zeros((num_rois, 5), "float32"),
        "attributes": np.full((num_rois, attributes.shape[1]), -1, "float32"),
    }
    sample["rois"][: len(drawn)] = candidates[drawn]
    sample["detection_classes"][:known] = classes[truth]
    sample["detection_classes"][known : len(drawn)] = 0
    sample["detection_boxes"][:, 0] = sample["detection_classes"]
    sample["detection_boxes"][:known, 1:] = encode_boxes(boxes[truth], candidates[foreground], std)
    sample["attributes"][:known] = attributes[truth]
    return sample


def check_lengths(boxes, **values_of_boxes):
    """Raises ValueError unless all have as many entries as there are boxes."""
    for name, values in values_of_boxes.items():
        if len(values) != len(boxes):
            raise ValueError(
                f"`{name}` must have one entry for each of the {len(boxes)} boxes. "
                f"Received: {len(values)} entries."
            )


def check_sampling(foreground_fraction, foreground_iou, background_iou, std):
    """Raises ValueError, naming the argument, unless the sampler can work with them."""
    if not 0 <= foreground_fraction <= 1:
        raise ValueError(
            f"`foreground_fraction` must be from 0 to 1. Received: {foreground_fraction}."
        )
    if not 0 < foreground_iou <= 1:
        raise ValueError(
            f"`foreground_iou` must be above 0, and at most 1. Received: {foreground_iou}."
        )
    if np.shape(background_iou) != (2,) or not (
        0 <= background_iou[0] < background_iou[1] <= foreground_iou
    ):
        raise ValueError(
            "`background_iou` must be two rising numbers from 0 to `foreground_iou` = "
            f"{foreground_iou}. Received: {background_iou}."
        )
    check_std(std)


def _best(candidates, boxes):
    """For each candidate the number of the box that it overlaps most, and the IoU."""
    if not len(boxes):
        return np.zeros(len(candidates), int), np.zeros(len(candidates), "float32")
    overlap = iou(candidates, boxes)
    return overlap.argmax(axis=1), overlap.max(axis=1)


def _draw(mask, count, rng):
    """The numbers of at most `count` true entries of a mask."""
    return rng.permutation(np.flatnonzero(mask))[:count]
