"""Confusion matrices: what they hold, absent classes, big counts and bad labels."""

import numpy as np
import pytest
from keras import ops

from keras_mtl.metrics import FrequencyWeightedIU, MeanIU, PixelAccuracy

CLASSES = [PixelAccuracy, MeanIU, FrequencyWeightedIU]


def batch(seed, classes=5, samples=4, present=5):
    # One shape in all tests, for JAX compiles each anew.
    rng = np.random.default_rng(seed)
    labels = rng.integers(present, size=(samples, 3, 4)).astype("uint8")
    scores = rng.normal(size=(samples, 3, 4, classes)).astype("float32")
    scores[..., present:] -= 100
    np.put_along_axis(scores, labels[..., None].astype("int64"), 1.0, axis=-1)
    labels[rng.random(labels.shape) < 0.2] = 255
    return labels, scores


def test_confusion_matrix_is_truth_by_prediction():
    metric = MeanIU(3)
    metric.update_state(np.array([[[0, 0, 2, 255]]]), np.eye(3)[[[[0, 1, 1, 2]]]])
    assert metric.confusion_matrix.dtype == "int64"
    np.testing.assert_array_equal(metric.confusion_matrix, [[1, 1, 0], [0, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(metric.per_class_iu(), [0.5, 0, 0])
    metric.update_state(np.array([[[0]]]), np.eye(3)[[[[0]]]], np.array([0.5]))
    np.testing.assert_array_equal(metric.confusion_matrix, [[1.5, 1, 0], [0, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize("ignore_class, matrix", [(0, [[0, 0], [1, 1]]), (None, [[2, 1], [1, 1]])])
def test_void_may_be_a_class_or_nothing(ignore_class, matrix):
    metric = MeanIU(2, ignore_class=ignore_class)
    metric.update_state(np.array([[[0, 0, 0, 1, 1]]]), np.eye(2)[[[[0, 0, 1, 0, 1]]]])
    np.testing.assert_array_equal(metric.confusion_matrix, matrix)


def test_perfect_is_one_and_absent_classes_are_left_out():
    labels = np.array([[[0, 3, 3, 255]]], "uint8")
    for metric in (m(7) for m in CLASSES):
        assert float(metric(labels, np.eye(256)[labels][..., :7])) == 1
    assert np.isnan(metric.per_class_iu()[[1, 2, 4, 5, 6]]).all()


@pytest.mark.parametrize("label", [5, -2, 254, np.inf, 0.5])
def test_a_label_that_is_no_class_is_not_passed_over(label):
    labels, scores = batch(0)
    labels = labels.astype("float32" if isinstance(label, float) else "int32")
    labels[0, 0, 0] = label
    metric = MeanIU(5)
    assert np.isnan(float(metric(labels, scores)))
    with pytest.raises(ValueError, match=r"`y_true` must be in \[0, 5\) or 255.*1 pixels"):
        metric.per_class_iu()


def test_a_prediction_that_is_nan_is_not_passed_over():
    labels, scores = batch(0)
    expected = [float(metric(5)(labels, scores)) for metric in CLASSES]
    nowhere = np.where(labels[..., None] == 255, np.nan, scores)  # labelled, which does not count
    assert [float(metric(5)(labels, nowhere)) for metric in CLASSES] == expected
    scores[tuple(np.argwhere(labels == 0)[0])] = np.nan
    for metric in (m(5) for m in CLASSES):
        assert np.isnan(float(metric(labels, scores)))
    with pytest.raises(ValueError, match="`y_pred` not NaN.*1 pixels"):
        metric.per_class_iu()


def test_counts_go_on_where_float32_and_int32_stop():
    metric = PixelAccuracy(2)
    # A batch of 2^30 pixels of one kind and one of another, as its counts.
    for _ in range(5):
        metric._counts.add(ops.convert_to_tensor(np.array([2**30, 1, 0, 0, 0]), dtype="int32"))
    for _ in range(3):
        metric.update_state(np.array([[[0, 1]]]), np.eye(2)[[[[0, 1]]]])
    np.testing.assert_array_equal(metric.confusion_matrix, [[5 * 2**30 + 3, 5], [0, 3]])
    # Three pixels after 2^24 are lost in one float32.
    weighted = PixelAccuracy(2)
    weighted._counts.add(ops.convert_to_tensor(np.array([2.0**24, 0, 0, 0, 0]), dtype="float32"))
    for _ in range(3):
        weighted.update_state(np.array([[[0]]]), np.eye(2)[[[[0]]]], np.array([0.5]))
    assert weighted.confusion_matrix[0, 0] == 2**24 + 1.5


def test_refuses():
    for num_classes in (1, None, 2.5, "3", True):
        with pytest.raises(ValueError, match=f"`num_classes` must be .*={num_classes!r}"):
            MeanIU(num_classes)
    labels, scores = batch(0)
    with pytest.raises(ValueError, match=r"num_classes=7.*\(4, 3, 4, 5\)"):
        MeanIU(7).update_state(labels, scores)
    with pytest.raises(ValueError, match="`y_true`"):
        MeanIU(5).update_state(labels[0], scores)
