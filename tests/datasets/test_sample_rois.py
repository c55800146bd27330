"""Fast R-CNN's sampler."""

import dataclasses

import numpy as np
import pytest

from keras_mtl.boxes import encode_boxes, iou
from keras_mtl.datasets import RoISampling, sample_rois
from keras_mtl.proposals import jittered_boxes

pytestmark = pytest.mark.one_backend

BOXES = np.array([[10, 10, 50, 40], [30, 20, 90, 60], [60, 5, 80, 30]], "float32")
CLASSES = np.array([3, 1, 2])
ATTRIBUTES = np.array([[1, 0], [0, 1], [1, -1]])


def sample(proposals, rng, **kwargs):
    defaults = {"boxes": BOXES, "classes": CLASSES, "attributes": ATTRIBUTES}
    fields = {field.name for field in dataclasses.fields(RoISampling)} & set(kwargs)
    sampling = RoISampling(**{name: kwargs.pop(name) for name in fields})
    return sample_rois(proposals=proposals, rng=rng, sampling=sampling, **{**defaults, **kwargs})


@pytest.fixture
def proposals(rng):
    return jittered_boxes(BOXES, (64, 96), 400, rng)


def reference_targets(roi, boxes=BOXES):
    """Class, IoU and number of the best truth of one RoI, by the book."""
    overlaps = []
    for box in boxes:
        width = max(min(roi[2], box[2]) - max(roi[0], box[0]), 0)
        height = max(min(roi[3], box[3]) - max(roi[1], box[1]), 0)
        areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (roi, box)]
        overlaps.append(width * height / (sum(areas) - width * height))
    best = int(np.argmax(overlaps))
    return CLASSES[best] if overlaps[best] >= 0.5 else 0, overlaps[best], best


def test_each_roi_has_the_targets_of_its_best_truth(proposals, rng):
    drawn = sample(proposals, rng)
    assert {name: (value.dtype, value.shape) for name, value in drawn.items()} == {
        "rois": (np.float32, (64, 4)),
        "detection_classes": (np.int32, (64,)),
        "detection_boxes": (np.float32, (64, 5)),
        "attributes": (np.float32, (64, 2)),
    }
    assert (drawn["detection_classes"] > 0).sum() == 16
    assert (drawn["detection_classes"] == 0).sum() == 48
    np.testing.assert_array_equal(drawn["detection_boxes"][:, 0], drawn["detection_classes"])
    for roi, label, coded, attributes in zip(*drawn.values(), strict=True):
        expected, overlap, best = reference_targets(roi)
        assert label == expected and overlap >= 0.1
        offsets = encode_boxes(BOXES[best], roi) if label else np.zeros(4)
        np.testing.assert_allclose(coded[1:], offsets, atol=1e-6)
        np.testing.assert_array_equal(attributes, ATTRIBUTES[best] if label else [-1, -1])


def test_without_replacement_and_with_the_truth_as_candidates(proposals, rng):
    drawn = sample(proposals, rng, num_rois=2000, foreground_fraction=1)
    real = drawn["rois"][drawn["detection_classes"] >= 0]
    assert len(np.unique(real, axis=0)) == len(real)
    overlap = iou(np.concatenate([BOXES, proposals]), BOXES).max(axis=1)
    assert len(real) == (overlap >= 0.1).sum()
    assert iou(BOXES, real).max(axis=1).min() == 1


def test_too_few_candidates_are_padded(rng):
    drawn = sample(
        [[10, 10, 50, 41], [0, 0, 20, 45]],
        rng,
        boxes=BOXES[:1],
        classes=[3],
        attributes=ATTRIBUTES[:1],
        num_rois=8,
    )
    assert drawn["detection_classes"].tolist() == [3, 3, 0, -1, -1, -1, -1, -1]
    padding = {name: value[3:] for name, value in drawn.items()}
    assert not padding["rois"].any() and (padding["attributes"] == -1).all()
    assert (padding["detection_boxes"] == [-1, 0, 0, 0, 0]).all()


NO_TRUTH = {"boxes": [], "classes": [], "attributes": np.zeros((0, 2))}


def test_pictures_without_truth_give_background_of_all_proposals(rng):
    proposals = [[0, 0, 5, 5], [7, 7, 90, 60]]
    drawn = sample(proposals, rng, num_rois=3, **NO_TRUTH)
    assert drawn["detection_classes"].tolist() == [0, 0, -1]
    assert sorted(drawn["rois"][:2].tolist()) == proposals
    assert (drawn["attributes"] == -1).all() and not drawn["detection_boxes"][:2].any()


def test_pictures_without_anything_are_padding(rng):
    drawn = sample([], rng, num_rois=3, **NO_TRUTH)
    assert drawn["detection_classes"].tolist() == [-1] * 3 and not drawn["rois"].any()
    # Truth without proposals still teaches itself.
    assert (sample([], rng, num_rois=16)["detection_classes"] > 0).sum() == 3


def test_difficult_objects_are_neither_learned_nor_background(proposals, rng):
    difficult = [True, False, False]
    # What covers the difficult one alone could be background of the second: it overlaps it.
    covers = np.array([[10, 10, 58, 40], [10, 11, 60, 41]], "float32")
    assert (iou(covers, BOXES[:1]) > 0.5).all() and (iou(covers, BOXES[1:2]) > 0.1).all()
    drawn = sample(
        np.concatenate([proposals, covers]),
        rng,
        difficult=difficult,
        num_rois=900,
        foreground_fraction=1,
    )
    rois, classes = drawn["rois"], drawn["detection_classes"]
    assert set(classes.tolist()) == {-1, 0, 1, 2}
    assert iou(rois[classes == 0], BOXES[:1]).max() < 0.5
    assert iou(rois[classes > 0], BOXES[1:]).max(axis=1).min() >= 0.5
    # With difficult ones alone, nothing is learned but what is not there.
    drawn = sample(proposals, rng, difficult=[True] * 3, num_rois=500)
    assert set(drawn["detection_classes"].tolist()) == {-1, 0}
    assert iou(drawn["rois"], BOXES).max() < 0.5


def test_the_generator_decides(proposals):
    first, again, other = (sample(proposals, np.random.default_rng(seed)) for seed in (1, 1, 2))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    assert (first["rois"] != other["rois"]).any()


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"num_rois": 0}, "num_rois=0"),
        ({"foreground_fraction": -0.1}, "`foreground_fraction`.*-0.1"),
        ({"foreground_iou": 0}, "`foreground_iou`.*0"),
        ({"background_iou": (0.5, 0.1)}, r"`background_iou`.*\(0.5, 0.1\)"),
        ({"background_iou": (0.1, 0.7)}, "`foreground_iou` = 0.5.*0.7"),
        ({"background_iou": 0.1}, "`background_iou` must be two"),
        ({"std": (1, 1)}, "`std` must be four"),
        ({"boxes": BOXES * np.nan}, "`boxes` must be finite"),
        ({"proposals": [[1, 1, 1, 1]]}, "`proposals` must have x2 > x1"),
        ({"classes": [1]}, "`classes`.*3 boxes.*1 entries"),
        ({"difficult": [True]}, "`difficult`.*3 boxes.*1 entries"),
        ({"attributes": ATTRIBUTES[:2]}, "`attributes`.*3 boxes.*2 entries"),
        ({"attributes": []}, r"`attributes` must be of shape \(K, A\)"),
    ],
)
def test_bad_arguments(kwargs, message, rng):
    kwargs = {"proposals": BOXES, "rng": rng, **kwargs}
    with pytest.raises(ValueError, match=message):
        sample(**kwargs)
