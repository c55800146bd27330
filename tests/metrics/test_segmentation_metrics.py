"""Confusion-matrix metrics against NumPy: batches, void, weights, big counts, bad labels."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_mtl.metrics import FrequencyWeightedIU, MeanIU, PixelAccuracy, SegmentationScores

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


def reference(labels, scores, weights=None):
    """The scores by their definitions, class by class."""
    classes = scores.shape[-1]
    predicted = scores.argmax(axis=-1)
    weights = np.ones(labels.shape) if weights is None else weights
    counted = labels != 255
    total = weights[counted].sum()
    right = weights[counted & (labels == predicted)].sum()
    iu, share = [], []
    for k in range(classes):
        both = weights[counted & (labels == k) & (predicted == k)].sum()
        either = weights[counted & ((labels == k) | (predicted == k))].sum()
        iu.append(both / either if either else np.nan)
        share.append(weights[counted & (labels == k)].sum() / total)
    iu, share = np.array(iu), np.array(share)
    return [right / total, np.nanmean(iu), np.nansum(iu * share)], iu


def results(metrics):
    return [float(metric.result()) for metric in metrics]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16), present=st.integers(2, 5))
def test_equal_numpy_however_the_batches_are_cut(seed, present):
    labels, scores = batch(seed, present=present)
    expected, iu = reference(labels, scores)
    whole = [metric(5) for metric in CLASSES]
    parts = [metric(5) for metric in CLASSES]
    for metric in whole:
        metric.update_state(labels, scores)
    for metric in parts:
        metric.update_state(labels[:2], scores[:2])
        metric.update_state(labels[2:, ..., None], scores[2:])
    np.testing.assert_allclose(results(whole), expected, rtol=1e-5)
    assert results(whole) == results(parts)
    np.testing.assert_allclose(whole[1].per_class_iu(), iu)
    together = SegmentationScores(5)
    together.update_state(labels, scores)
    got = {key: float(value) for key, value in together.result().items()}
    names = ["pixel_accuracy", "mean_iu", "frequency_weighted_iu"]
    assert got == dict(zip([f"segmentation_{n}" for n in names], results(whole), strict=True))


def test_confusion_matrix_is_truth_by_prediction():
    metric = MeanIU(3)
    metric.update_state(np.array([[[0, 0, 2, 255]]]), np.eye(3)[[[[0, 1, 1, 2]]]])
    assert metric.confusion_matrix.dtype == "int64"
    np.testing.assert_array_equal(metric.confusion_matrix, [[1, 1, 0], [0, 0, 0], [0, 1, 0]])
    np.testing.assert_allclose(metric.per_class_iu(), [0.5, 0, 0])


def test_perfect_is_one_and_absent_classes_are_left_out():
    labels = np.array([[[0, 3, 3, 255]]], "uint8")
    for metric in (m(7) for m in CLASSES):
        assert float(metric(labels, np.eye(256)[labels][..., :7])) == 1
    assert np.isnan(metric.per_class_iu()[[1, 2, 4, 5, 6]]).all()


def test_nothing_counted_is_nan_and_reset_forgets():
    labels, scores = batch(0)
    for metric in (m(5) for m in CLASSES):
        assert np.isnan(float(metric.result()))
        metric.update_state(np.full_like(labels, 255), scores)
        assert np.isnan(float(metric.result()))
        metric.update_state(labels, scores)
        first = float(metric.result())
        metric.reset_state()
        assert np.isnan(float(metric.result()))
        assert float(metric(labels, scores)) == first


@pytest.mark.parametrize("label", [5, -1, 254, np.nan, np.inf, 0.5])
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


def test_other_void_labels():
    labels, scores = batch(0)
    expected, _ = reference(labels, scores)
    as_minus_one = np.where(labels == 255, -1, labels.astype("int64"))
    assert float(MeanIU(5, ignore_class=-1)(as_minus_one, scores)) == pytest.approx(expected[1])
    labels[labels == 255] = 0
    expected, _ = reference(np.where(labels == 0, 255, labels), scores)
    assert float(PixelAccuracy(5, ignore_class=0)(labels, scores)) == pytest.approx(expected[0])
    expected, _ = reference(labels, scores)
    assert float(PixelAccuracy(5, ignore_class=None)(labels, scores)) == pytest.approx(expected[0])


@pytest.mark.parametrize("shape", [(4,), (4, 1, 1), (4, 3, 4), (4, 3, 4, 1)])
def test_weights_count(shape):
    labels, scores = batch(0)
    weights = np.random.default_rng(1).random(shape)
    spread = np.broadcast_to(weights.reshape(*shape[:3], *[1] * (3 - len(shape))), (4, 3, 4))
    expected, iu = reference(labels, scores, spread)
    metrics = [metric(5) for metric in CLASSES]
    for metric in metrics:
        metric.update_state(labels, scores, weights)
    np.testing.assert_allclose(results(metrics), expected, rtol=1e-3)
    np.testing.assert_allclose(metrics[1].per_class_iu(), iu, rtol=1e-5)


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
    labels, scores = batch(0)
    for num_classes in (1, None, 2.5, "3", True):
        with pytest.raises(ValueError, match=f"`num_classes` must be .*={num_classes!r}"):
            MeanIU(num_classes)
    with pytest.raises(ValueError, match=r"num_classes=7.*\(4, 3, 4, 5\)"):
        MeanIU(7).update_state(labels, scores)
    with pytest.raises(ValueError, match="`y_true`"):
        MeanIU(5).update_state(labels[0], scores)
    with pytest.raises(ValueError, match=r"`sample_weight`.*\(3,\)"):
        MeanIU(5).update_state(labels, scores, np.ones(3))


def test_serialisation():
    for cls in (*CLASSES, SegmentationScores):
        metric = cls(6, ignore_class=None, name="mine")
        config = keras.saving.serialize_keras_object(metric)
        assert config["registered_name"] == f"keras_mtl>{cls.__name__}"
        again = keras.saving.deserialize_keras_object(config)
        assert (type(again), again.get_config()) == (cls, metric.get_config())
    assert [cls(3).name for cls in CLASSES] == [
        "pixel_accuracy",
        "mean_iu",
        "frequency_weighted_iu",
    ]
