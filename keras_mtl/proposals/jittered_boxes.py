"""Proposals drawn around the true boxes: for pictures that no proposal method works on."""

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_integer
from keras_mtl._types import Array, Size
from keras_mtl.boxes import check_boxes, clip_boxes

# Chosen so that the overlap of a copy with its true box spreads from about .3 to 1.
_MAX_SHIFT, _MAX_LOG_SCALE = 0.4, 0.5

# Sides of the random boxes, as parts of the image's: no smaller, and no more elongated.
_MIN_SIDE, _MAX_LOG_ASPECT = 0.1, 1.0


def jittered_boxes(
    boxes: ArrayLike,
    size: Size,
    num_boxes: int,
    rng: np.random.Generator,
    jittered_fraction: float = 0.5,
) -> Array:
    """Draws jittered copies of the true boxes, and random boxes.

    A copy is shifted by up to .4 of its sides, and each side scaled by exp(-.5) to exp(.5), all
    times a strength drawn anew for every copy: its IoU with the true box spreads from about .3 to
    1. A random box has sides of .1 of the image and more, aspects up to e, and lies anywhere.

    Proposals from the truth find every object, which no proposal method does: scores reached with
    them are no estimate for pictures without annotations.

    Args:
        boxes: Array (K, 4), the true boxes `[x1, y1, x2, y2]` in pixels; they are clipped to the
            image. Without any, all proposals are random boxes.
        size: `(height, width)` of the image in pixels.
        num_boxes: Number of proposals, P.
        rng: A `numpy.random.Generator`: the same draws give the same proposals.
        jittered_fraction: Part of the proposals, 0 to 1, that are copies.

    Returns:
        Float32 (P, 4), within the image, each side one pixel or more; the copies first, the true
        boxes in turn.

    Raises:
        ValueError: An argument is out of range, or a box is degenerate or outside the image.

    Example:

    >>> from keras_mtl.proposals import jittered_boxes
    >>> jittered_boxes([[10, 20, 40, 60]], (64, 96), 8, np.random.default_rng(0)).shape
    (8, 4)
    """
    height, width = (check_integer("size", length, 1) for length in size)
    boxes = check_boxes(boxes, "boxes", (height, width))
    num_boxes = check_integer("num_boxes", num_boxes, 0)
    if not 0 <= jittered_fraction <= 1:
        raise ValueError(f"`jittered_fraction` must be from 0 to 1. Received: {jittered_fraction}.")
    num_copies = round(jittered_fraction * num_boxes) if len(boxes) else 0
    centre, side = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
    turn = np.arange(num_copies) % max(len(boxes), 1)
    shift, scale = _jitter(num_copies, rng)
    copies = _from_centres(centre[turn] + shift * side[turn], scale * side[turn])
    proposals = np.concatenate([copies, _random(num_boxes - num_copies, (width, height), rng)])
    return _at_least_a_pixel(clip_boxes(proposals, (height, width)), (width, height))


def _jitter(count, rng):
    """Shifts (in sides) and scales, (count, 2) each."""
    strength = rng.random((count, 1))
    draws = rng.uniform(-1, 1, (count, 4)) * strength
    return _MAX_SHIFT * draws[:, :2], np.exp(_MAX_LOG_SCALE * draws[:, 2:])


def _random(count, size, rng):
    scale = np.exp(rng.uniform(np.log(_MIN_SIDE), 0, (count, 1)))
    aspect = np.exp(rng.uniform(-_MAX_LOG_ASPECT, _MAX_LOG_ASPECT, (count, 1)) / 2)
    side = np.clip(scale * np.concatenate([aspect, 1 / aspect], axis=1), _MIN_SIDE, 1) * size
    return _from_centres(side / 2 + rng.random((count, 2)) * (size - side), side)


def _from_centres(centre, side):
    return np.concatenate([centre - side / 2, centre + side / 2], axis=1)


def _at_least_a_pixel(boxes, size):
    corner = np.minimum(boxes[:, :2], np.subtract(size, 1))
    return np.concatenate([corner, np.maximum(boxes[:, 2:], corner + 1)], axis=1).astype("float32")
