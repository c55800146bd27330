"""Vectors of length one: against NumPy, and where lengths leave what a float can hold."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy_weights import draw_by_numpy

from keras_mtl.layers import L2Normalization


def value(x):
    return ops.convert_to_numpy(x)


@pytest.mark.parametrize(("shape", "axis"), [((3, 5), -1), ((2, 4, 3), 1), ((2, 4, 3, 5), (2, 3))])
def test_against_numpy(rng, shape, axis):
    x = rng.normal(size=shape).astype("float32")
    expected = x / np.sqrt((x**2).sum(axis=axis, keepdims=True))
    np.testing.assert_allclose(value(L2Normalization(axis)(x)), expected, rtol=1e-5)


def test_only_the_direction_counts(rng):
    x = rng.normal(size=(4, 6)).astype("float32")
    layer = L2Normalization()
    once = value(layer(x))
    np.testing.assert_allclose((once**2).sum(axis=-1), 1, rtol=1e-6)
    for other in (once, 1e-3 * x, 1e6 * x):
        np.testing.assert_allclose(value(layer(other)), once, rtol=1e-5, atol=1e-6)


def test_zeros_stay_zeros():
    assert not value(L2Normalization()(np.zeros((2, 3), "float32"))).any()


def test_half_precision_of_large_and_small_vectors():
    """The squares of both are nothing float16 can hold."""
    layer = L2Normalization(dtype="mixed_float16")
    for size in (1e4, 1e-3):
        x = np.array([[3.0, 4.0]]) * size
        found = layer(x.astype("float16"))
        assert keras.backend.standardize_dtype(found.dtype) == "float16"
        np.testing.assert_allclose(value(found), [[0.6, 0.8]], rtol=2e-3)


def test_gradients_at_zero_are_finite(rng, monkeypatch):
    """One example is zeros: the layer before it gets the gradient of the other alone."""
    draw_by_numpy(monkeypatch)
    image = keras.Input((3,))
    dense = layers.Dense(2, use_bias=False)
    model = keras.Model(image, L2Normalization()(dense(image)))
    kernel = rng.normal(size=(3, 2)).astype("float32")
    x = np.zeros((2, 3), "float32")
    x[1] = rng.normal(size=3)
    target = rng.normal(size=(2, 2)).astype("float32")
    model.compile(keras.optimizers.SGD(1.0), loss="mse")
    dense.set_weights([kernel])
    model.train_on_batch(x, target)
    y = x[1] @ kernel
    length = np.linalg.norm(y)
    unit = y / length
    wrong = (unit - target[1]) / 2  # the mean is over four numbers
    expected = np.outer(x[1], (wrong - unit * (unit @ wrong)) / length)
    np.testing.assert_allclose(kernel - value(dense.kernel), expected, rtol=1e-3, atol=1e-5)
