"""Losses of pixels where they are Keras' own, and at the ends of what they take."""

import keras
import numpy as np
import pytest
from layer_checks import value

from keras_mtl.losses import DepthL1, NormalsCosine, SegmentationCrossentropy


@pytest.fixture
def labels(rng):
    return np.where(rng.random((3, 4, 6)) < 0.3, 255, rng.integers(5, size=(3, 4, 6)))


@pytest.fixture
def logits(rng):
    return rng.normal(0, 3, size=(3, 4, 6, 5)).astype("float32")


@pytest.mark.parametrize("weighted", [False, True])
def test_segmentation_averages_as_keras_does(rng, labels, logits, weighted):
    weights = rng.random((3, 4, 6)).astype("float32") if weighted else None
    for reduction in ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", None]:
        theirs = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=255, reduction=reduction
        )
        ours = SegmentationCrossentropy(reduction=reduction)
        found, expected = (value(loss(labels, logits, weights)) for loss in (ours, theirs))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_extreme_logits_are_finite(labels, logits):
    assert np.isfinite(value(SegmentationCrossentropy()(labels, 1e4 * logits)))


@pytest.mark.parametrize(
    ("label", "ignore_class"),
    [(5, 255), (-2, 255), (254, 255), (255, None), (np.inf, None), (0.5, 255)],
)
def test_a_label_out_of_range_never_trains_silently(labels, logits, label, ignore_class):
    labels = (labels % 5).astype("float32" if isinstance(label, float) else "int32")
    labels[0, 0, 0] = label
    assert np.isnan(value(SegmentationCrossentropy(ignore_class=ignore_class)(labels, logits)))


def test_whole_metres():
    depth = np.array([[[3, 0], [7, 1]]], "uint8")
    assert value(DepthL1()(depth, np.full((1, 2, 2, 1), 2.0))) == pytest.approx((1 + 5 + 1) / 3)


@pytest.mark.parametrize("factor, expected", [(3, 0), (500, 0), (0, 1), (-3, 2)])
def test_the_length_of_a_normal_does_not_count(rng, factor, expected):
    normals = rng.normal(size=(3, 4, 6, 3)).astype("float32")
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    assert value(NormalsCosine()(normals, factor * normals)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("scale", [0, 1e-20])
def test_the_gradient_is_finite_where_a_normal_has_no_direction(scale):
    one = keras.Input((1,))
    vector = keras.layers.Dense(3, use_bias=False)(one)
    model = keras.Model(one, keras.layers.Reshape((1, 1, 3))(vector))
    model.set_weights([scale * np.array([[0.6, 0.0, 0.8]])])
    model.compile(keras.optimizers.SGD(1.0), NormalsCosine())
    model.train_on_batch(np.ones((1, 1)), np.array([[[[0.0, 0.0, -1.0]]]], "float32"))
    # Towards the true one, by what the constant under the root lets through.
    np.testing.assert_allclose(model.get_weights()[0], [[0, 0, -1000]], rtol=1e-4, atol=1e-3)
