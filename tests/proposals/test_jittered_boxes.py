"""Proposals around the truth."""

import numpy as np
import pytest

from keras_mtl.boxes import iou
from keras_mtl.proposals import jittered_boxes

pytestmark = pytest.mark.one_backend

SIZE = (64, 96)
BOXES = [[10, 20, 40, 60], [0, 0, 12, 9]]


def test_overlaps_spread_from_about_a_third_to_one(rng):
    proposals = jittered_boxes(BOXES[:1], SIZE, 2000, rng, jittered_fraction=1)
    overlap = iou(proposals, BOXES[:1])
    assert 0.15 < overlap.min() < 0.35 < 0.98 < overlap.max()
    # Neither end is rare: both foreground and background come out of it.
    shares = np.histogram(overlap, bins=[0.3, 0.5, 0.7, 0.9, 1])[0] / len(overlap)
    assert shares.min() > 0.08


def test_copies_take_turns_and_random_boxes_follow(rng):
    proposals = jittered_boxes(BOXES, SIZE, 40, rng)
    assert iou(proposals[0:20:2], BOXES)[:, 0].min() > 0.15
    assert iou(proposals[1:20:2], BOXES)[:, 1].min() > 0.15
    assert iou(proposals[20:], BOXES).max(axis=1).min() < 0.1


@pytest.mark.parametrize("boxes", [BOXES, [], np.zeros((0, 4)), [[95.5, 63.5, 300, 300]]])
def test_all_lie_in_the_image_and_have_a_pixel(boxes, rng):
    proposals = jittered_boxes(boxes, SIZE, 300, rng)
    assert proposals.shape == (300, 4) and proposals.dtype == np.float32
    assert proposals.min() >= 0 and (proposals[:, 2:] <= (96, 64)).all()
    assert (proposals[:, 2:] - proposals[:, :2]).min() >= 1
    # Random boxes reach into every corner.
    centre = (proposals[150:, :2] + proposals[150:, 2:]) / 2
    assert (centre.min(axis=0) < (24, 16)).all() and (centre.max(axis=0) > (72, 48)).all()


def test_the_generator_decides():
    first, again, other = (
        jittered_boxes(BOXES, SIZE, 10, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.isclose(first, other).all(axis=1).any()


def test_limits(rng):
    assert jittered_boxes(BOXES, SIZE, 0, rng).shape == (0, 4)
    np.testing.assert_array_equal(jittered_boxes([], (1, 1), 1, rng), [[0, 0, 1, 1]])


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"boxes": [[5, 5, 5, 9]]}, "`boxes` must have x2 > x1"),
        ({"boxes": [[100, 5, 120, 9]]}, "`boxes` must overlap the image"),
        ({"size": (0, 10)}, "size=0"),
        ({"num_boxes": -1}, "num_boxes=-1"),
        ({"jittered_fraction": 1.5}, "`jittered_fraction` must be from 0 to 1. Received: 1.5"),
    ],
)
def test_bad_arguments(kwargs, message, rng):
    with pytest.raises(ValueError, match=message):
        jittered_boxes(**{"boxes": BOXES, "size": SIZE, "num_boxes": 3, "rng": rng, **kwargs})
