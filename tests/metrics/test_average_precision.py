from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keras_mtl.metrics import (
    attribute_average_precision,
    average_precision,
    detection_average_precision,
)

pytestmark = pytest.mark.one_backend

INTERPOLATIONS = ("area", "11-point")
# Few distinct scores: ties abound.
RANKING = st.lists(st.tuples(st.integers(0, 6), st.booleans()), max_size=25)


def arrays(ranking):
    scores, positives = np.array(ranking, float).reshape(-1, 2).T
    return scores, positives.astype(bool)


def slow_ap(count_at, thresholds, num_positives, interpolation):
    """AP in whole numbers; `count_at(threshold)` gives the true and the false positives."""
    if not num_positives:
        return float("nan")
    points = [count_at(threshold) for threshold in thresholds]
    points = [(Fraction(hits, num_positives), Fraction(hits, hits + misses))
              for hits, misses in points if hits + misses]  # fmt: skip

    def precision_from(recall):
        return max((precision for reached, precision in points if reached >= recall), default=0)

    if interpolation == "area":
        # The interpolated precision is a staircase with a step a positive.
        steps = range(1, num_positives + 1)
        return float(sum(precision_from(Fraction(n, num_positives)) for n in steps) / num_positives)
    return float(sum(precision_from(Fraction(n, 10)) for n in range(11)) / 11)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@settings(deadline=None, max_examples=100)
@given(RANKING, st.integers(0, 12))
def test_ap_is_that_of_whole_numbers(interpolation, ranking, missed):
    scores, positives = arrays(ranking)

    def count_at(threshold):
        taken = positives[scores >= threshold]
        return int(taken.sum()), int((~taken).sum())

    total = int(positives.sum()) + missed
    expected = slow_ap(count_at, set(scores), total, interpolation)
    result = average_precision(scores, positives, total, interpolation)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    assert isinstance(result, float)
    assert np.isnan(result) if total == 0 else 0 <= result <= 1


def test_ap_is_that_of_the_curve_of_scikit_learn(rng):
    curve = pytest.importorskip("sklearn.metrics").precision_recall_curve
    for levels in (5, 10**9):
        scores, positives = rng.integers(0, levels, 300), rng.random(300) < 0.3
        precision, recall, _ = curve(positives, scores)
        # From the largest recall to none, whose precision is set to 1 and must not count.
        best = np.maximum.accumulate(precision[:-1])
        area = -np.sum(np.diff(recall) * best)
        np.testing.assert_allclose(average_precision(scores, positives), area)


@pytest.mark.parametrize(
    "positives, missed, area, points",
    [
        # Precision 1, 1/2, 2/3, 1/2 at recall 1/2, 1/2, 1, 1: from 0 to .5 it is 1, then 2/3.
        ([1, 0, 1, 0], 0, 1 / 2 + 1 / 3, (6 + 5 * 2 / 3) / 11),
        ([0, 1], 0, 1 / 2, 1 / 2),
        ([1], 1, 1 / 2, 6 / 11),  # recall .5 reaches the points 0 to .5
        ([1, 1, 1], 7, 3 / 10, 4 / 11),  # recall .3 reaches the point .3
        ([0, 0], 3, 0, 0),
        ([], 3, 0, 0),
        ([0, 0], 0, np.nan, np.nan),
        ([], 0, np.nan, np.nan),
    ],
)
def test_ap_by_hand(positives, missed, area, points):
    scores, total = -np.arange(len(positives)), sum(positives) + missed
    for interpolation, expected in zip(INTERPOLATIONS, (area, points), strict=True):
        result = average_precision(scores, positives, total, interpolation)
        np.testing.assert_allclose(result, expected)


def test_equal_scores_are_one_threshold():
    for positives in ([1, 0, 0, 0], [0, 0, 0, 1]):
        assert average_precision([0.5] * 4, positives) == 0.25


@settings(deadline=None, max_examples=50)
@given(RANKING, st.randoms(use_true_random=False))
def test_ap_depends_on_the_ranking_alone(ranking, random):
    assume(any(positive for _, positive in ranking))
    expected = pytest.approx(average_precision(*arrays(ranking)))
    assert average_precision(*arrays(random.sample(ranking, len(ranking)))) == expected
    scores, positives = arrays(ranking)
    assert average_precision(np.exp(scores) - 3, positives) == expected
    assert average_precision(positives + scores / 10, positives) == pytest.approx(1)
    # A worse false positive costs nothing, a better one does.
    assert average_precision([*scores, -1], [*positives, False]) == expected
    assert average_precision([*scores, 9], [*positives, False]) < expected.expected


@pytest.mark.parametrize(
    "change, message",
    [
        ({"scores": [1, 2, 3]}, r"one shape \(M,\).*\(3,\) and \(2,\)"),
        ({"scores": [1, np.nan]}, "`scores` must not be NaN.*1"),
        ({"positives": [1, -1]}, "`positives` must be 0 or 1.*-1"),
        ({"num_positives": 0}, "`num_positives` must be at least the 1.*0"),
        ({"interpolation": "12-point"}, "`interpolation` must be.*12-point"),
    ],
)
def test_bad_rankings_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        average_precision(**{"scores": [1, 2], "positives": [1, 0], **change})


def test_attributes_are_ranked_one_by_one(rng):
    scores, labels = rng.random((50, 6)), rng.integers(-1, 2, (50, 6))
    labels[:, 2] = np.minimum(labels[:, 2], 0)
    result = attribute_average_precision(scores, labels, "11-point")
    assert np.isnan(result).tolist() == [False, False, True, False, False, False]
    for column in (0, 1, 3, 4, 5):
        known = labels[:, column] != -1
        expected = average_precision(
            scores[known, column], labels[known, column], interpolation="11-point"
        )
        assert result[column] == expected
    assert np.isnan(attribute_average_precision(np.zeros((0, 3)), np.zeros((0, 3)))).all()


def test_bad_attributes_are_refused():
    with pytest.raises(ValueError, match=r"one shape \(M, A\).*\(2, 3\) and \(2, 4\)"):
        attribute_average_precision(np.zeros((2, 3)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="`labels` must be 1, 0 or -1.*2"):
        attribute_average_precision(np.zeros((1, 2)), [[0, 2]])
    with pytest.raises(ValueError, match="NaN"):
        attribute_average_precision([[np.nan, 1]], [[0, 1]])


def slow_iou(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return Fraction(width * height, sum(area) - width * height)


def slow_detection_ap(detections, truths, each, iou_threshold, interpolation):
    """The loop of VOC's development kit over one class's detections, at every threshold anew."""
    found = [
        (score, image, box)
        for image, one in enumerate(detections)
        for box, label, score in zip(*one.values(), strict=True)
        if label == each
    ]
    found.sort(key=lambda one: -one[0])
    objects = [
        [(box, bool(hard)) for box, label, hard in zip(*one.values(), strict=True) if label == each]
        for one in truths
    ]

    def count_at(threshold):
        hits = misses = 0
        taken = set()
        for score, image, box in found:
            if score < threshold:
                continue
            best, best_iou = None, 0
            for index, (true_box, _) in enumerate(objects[image]):
                if (overlap := slow_iou(box, true_box)) > best_iou:
                    best, best_iou = index, overlap
            if best_iou < iou_threshold:
                misses += 1
            elif objects[image][best][1]:
                pass
            elif (image, best) in taken:
                misses += 1
            else:
                hits += 1
                taken.add((image, best))
        return hits, misses

    easy = sum(not hard for one in objects for _, hard in one)
    return slow_ap(count_at, {one[0] for one in found}, easy, interpolation)


def random_images(rng, num_images=12, num_classes=4):
    """Class 3 is never detected, class 4 never true, some images lack truths or detections."""
    detections, truths = [], []
    for image in range(num_images):
        objects, found = (0 if image % 5 == n else rng.integers(1, 7) for n in (0, 1))
        corner = rng.integers(0, 12, (objects, 2))
        boxes = np.concatenate([corner, corner + rng.integers(3, 9, (objects, 2))], -1)
        classes = rng.integers(1, num_classes, objects)
        truths.append({"boxes": boxes, "classes": classes, "difficult": rng.random(objects) < 0.2})
        near = rng.integers(0, max(objects, 1), 3 * found)
        if objects:
            boxes, classes = boxes[near], classes[near]
        else:
            boxes, classes = np.tile([[1, 1, 5, 5]], (3 * found, 1)), np.ones(3 * found, int)
        boxes = boxes + rng.integers(-1, 2, boxes.shape)
        other = rng.random(len(classes)) < 0.2
        classes = np.where(other | (classes == 3), rng.choice([1, 2, 4], len(classes)), classes)
        scores = rng.integers(0, 8, len(classes)) / 8
        detections.append({"boxes": boxes, "classes": classes, "scores": scores})
    return detections, truths


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("iou_threshold", [0.5, 0.25])
def test_detection_ap_is_that_of_the_development_kit(interpolation, iou_threshold, rng):
    scores = []
    for _ in range(8):
        detections, truths = random_images(rng)
        result = detection_average_precision(detections, truths, 4, iou_threshold, interpolation)
        expected = [
            slow_detection_ap(detections, truths, each, iou_threshold, interpolation)
            for each in range(1, 5)
        ]
        np.testing.assert_allclose(result, expected, rtol=1e-12)
        assert result[2] == 0 and np.isnan(result[3])
        scores += result[:2].tolist()
    assert 0.1 < np.mean(scores) < 0.9


def test_detection_ap_does_not_depend_on_the_order(rng):
    detections, truths = random_images(rng)
    expected = detection_average_precision(detections, truths, 4)
    shuffled = []
    for one in detections:
        order = rng.permutation(len(one["scores"]))
        shuffled.append({name: values[order] for name, values in one.items()})
    result = detection_average_precision(shuffled[::-1], truths[::-1], 4)
    np.testing.assert_array_equal(result, expected)


A, B = [0, 0, 10, 10], [20, 0, 30, 10]
HALF, LESS = [0, 0, 10, 20], [0, 0, 10, 21]


@pytest.mark.parametrize(
    "boxes, classes, difficult, expected",
    [
        ([A, B], [1, 1], [0, 0], 1),
        ([B, A], [1, 1], [0, 0], 1),
        ([A, A, B], [1, 1, 1], [0, 0], 1 / 2 + 1 / 3),  # the second find of A is wrong
        ([HALF], [1], [0, 0], 1 / 2),  # an IoU of exactly one half is enough
        ([LESS, B], [1, 1], [0, 0], 1 / 4),
        ([A, B], [2, 1], [0, 0], 1 / 4 * 2),  # of another class: not even wrong
        ([A, A, B], [1, 1, 1], [1, 0], 1),  # a difficult object, however often found, is ignored
        ([B], [1], [1, 0], 1),
        ([], [], [0, 0], 0),
        ([A], [1], [1, 1], np.nan),
    ],
)
def test_detection_ap_by_hand(boxes, classes, difficult, expected):
    found = {"boxes": boxes, "classes": classes, "scores": -np.arange(len(boxes))}
    truth = {"boxes": [A, B], "classes": [1, 1], "difficult": difficult}
    result = detection_average_precision([found], [truth], 2)
    np.testing.assert_allclose(result, [expected, np.nan])


def test_an_object_taken_is_still_claimed():
    """VOC's rule: the second detection may not take its second best object instead."""
    near = [1, 0, 11, 10]
    found = {"boxes": [A, A], "classes": [1, 1], "scores": [0.9, 0.8]}
    result = detection_average_precision([found], [{"boxes": [A, near], "classes": [1, 1]}], 1)
    np.testing.assert_allclose(result, [0.5])


def test_without_images_there_are_no_scores():
    assert np.isnan(detection_average_precision([], [], 3)).tolist() == [True] * 3


@pytest.mark.parametrize(
    "found, truth, message",
    [
        ({"scores": [1, 2]}, {}, r"`detections\[0\]\['scores'\]`.* 1 boxes.*\(2,\)"),
        ({"scores": [np.nan]}, {}, r"`detections\[0\]\['scores'\]` must not be NaN"),
        ({"classes": [0]}, {}, r"`detections\[0\]\['classes'\]` must be integers from 1 to 2.*0"),
        ({"boxes": [[0, 0, 0, 1]]}, {}, r"`detections\[0\]\['boxes'\]` must have x2 > x1"),
        ({}, {"classes": [3]}, r"`truths\[0\]\['classes'\]` must be integers from 1 to 2.*3"),
        ({}, {"difficult": []}, r"`truths\[0\]\['difficult'\]`.*\(0,\)"),
        ({}, {"boxes": [[0, np.nan, 1, 1]]}, r"`truths\[0\]\['boxes'\]` must be finite"),
    ],
)
def test_bad_detections_are_refused(found, truth, message):
    found = {"boxes": [A], "classes": [1], "scores": [1], **found}
    truth = {"boxes": [A], "classes": [1], **truth}
    with pytest.raises(ValueError, match=message):
        detection_average_precision([found], [truth], 2)


def test_lists_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="one dict for each image.*1 and 0"):
        detection_average_precision([{}], [], 2)
    with pytest.raises(ValueError, match=r"`detections\[0\]` must have.*'scores'.*\['boxes'\]"):
        detection_average_precision([{"boxes": []}], [{}], 2)
    with pytest.raises(ValueError, match="`iou_threshold` must be above 0.*0"):
        detection_average_precision([], [], 2, iou_threshold=0)
