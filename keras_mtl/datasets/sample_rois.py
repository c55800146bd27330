"""RoIs to learn from, and what they are: Fast R-CNN's sampler."""

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array
from keras_mtl.boxes import check_boxes, encode_boxes, iou

from .roi_sampling import RoISampling


def sample_rois(
    boxes: ArrayLike,
    classes: ArrayLike,
    attributes: ArrayLike,
    proposals: ArrayLike,
    rng: np.random.Generator,
    sampling: RoISampling | None = None,
    difficult: ArrayLike | None = None,
) -> dict[str, Array]:
    """Draws the RoIs of one picture and their targets.

    Candidates are the proposals and the true boxes themselves; `RoISampling` says which are
    foreground and background. The foreground takes the class, offsets and attributes of its best
    true box. Both are drawn without replacement, and where there are too few of them, RoIs that
    only pad follow.

    Difficult objects are not learned from, but neither is a candidate that covers one (IoU of
    `foreground_iou` or more) background. In a picture with nothing to learn from, no overlap
    reaches .1: there any other proposal is background.

    Args:
        boxes: Array (K, 4), the true boxes, `[x1, y1, x2, y2]` in pixels; K may be 0.
        classes: Integers (K,), 1..N; 0 is the background.
        attributes: Array (K, A) of 0 and 1, or -1 where unknown.
        proposals: Array (P, 4) in pixels; P may be 0.
        rng: A `numpy.random.Generator`.
        sampling: A `RoISampling`; the paper's if `None`.
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

    >>> from keras_mtl.datasets import RoISampling, sample_rois
    >>> four = RoISampling(num_rois=4)
    >>> near, aside = [12, 10, 32, 30], [20, 10, 50, 30]
    >>> rng = np.random.default_rng(0)
    >>> sample = sample_rois([[10, 10, 30, 30]], [3], [[1, 0]], [near, aside], rng, four)
    >>> print(sample["detection_classes"], sample["attributes"][0])
    [ 3  0 -1 -1] [1. 0.]
    """
    proposals, boxes = check_boxes(proposals, "proposals"), check_boxes(boxes, "boxes")
    classes, attributes = np.asarray(classes, "int32"), np.asarray(attributes, "float32")
    sampling = sampling or RoISampling()
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
    low, high = sampling.background_iou if len(boxes) else (0, 1)
    is_background = (overlap >= low) & (overlap < high)
    is_background &= _best(candidates, hard)[1] < sampling.foreground_iou
    num_rois = sampling.num_rois
    foreground = _draw(overlap >= sampling.foreground_iou, sampling.most_foreground, rng)
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
    offsets = encode_boxes(boxes[truth], candidates[foreground], sampling.std)
    sample["detection_boxes"][:known, 1:] = offsets
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


def _best(candidates, boxes):
    """For each candidate the number of the box that it overlaps most, and the IoU."""
    if not len(boxes):
        return np.zeros(len(candidates), int), np.zeros(len(candidates), "float32")
    overlap = iou(candidates, boxes)
    return overlap.argmax(axis=1), overlap.max(axis=1)


def _draw(mask, count, rng):
    """The numbers of at most `count` true entries of a mask."""
    return rng.permutation(np.flatnonzero(mask))[:count]
