"""The embedding network against the published count, and against NumPy."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.towers import ResidualEmbedding, Tower
from keras_mtl.towers.residual_embedding import MINIMUM_SIZE, STAGES

TINY = dict(input_shape=(50, 48, 3), width=1 / 16, size=24)


@pytest.mark.one_backend
def test_published_parameters(shapes_only):
    net = shapes_only(ResidualEmbedding)
    assert sum(math.prod(weight.shape) for weight in net.trainable_weights) == 2_953_664
    assert net.input_shape == (None, 150, 150, 3) and net.output_shape == (None, 256)
    # Of the batch normalisations a mean and a variance a channel besides, and no factor.
    channels = 32 + 3 * (64 + 3 * 128) + 256
    assert net.count_params() == 2_953_664 + 2 * channels
    assert not any(weight.name == "gamma" for weight in net.weights)


def convolution(x, kernel, padding):
    if padding == "same":
        x = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    height, width = x.shape[0] - 2, x.shape[1] - 2
    maps = sum(
        x[row : row + height, column : column + width] @ kernel[row, column]
        for row in range(3)
        for column in range(3)
    )
    return maps


def reference(image, weights):
    """The same network in NumPy, for one image; `weights` by layer name and weight name."""

    def activation(x, name):
        norm = weights[f"{name}_bn"]
        x = (x - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 1e-3)
        return np.maximum(x + norm["beta"], 0)

    def layer(x, name, padding):
        return activation(convolution(x, weights[f"{name}_conv"]["kernel"], padding), name)

    x = layer(image / 127.5 - 1, "conv1", "valid")
    for number in range(1, 5):
        x = layer(x, f"block{number}_in", "valid")
        height, width = x.shape[0] // 2, x.shape[1] // 2
        x = x[: 2 * height, : 2 * width].reshape(height, 2, width, 2, -1).max((1, 3))
        y = layer(x, f"block{number}_residual1", "same")
        x = x + layer(y, f"block{number}_residual2", "same")
    x = activation(x.reshape(-1) @ weights["embedding_dense"]["kernel"], "embedding")
    return x / np.sqrt((x**2).sum())


def randomize(net, rng):
    for weight in net.weights:
        if weight.name == "moving_variance":
            weight.assign(rng.uniform(0.4, 2, weight.shape))
        elif weight.name != "kernel":
            weight.assign(rng.normal(0, 0.5, weight.shape))
    return {
        layer.name: {w.name: ops.convert_to_numpy(w) for w in layer.weights} for layer in net.layers
    }


def test_equals_the_network_in_numpy(rng):
    net = ResidualEmbedding(seed=3, **TINY)
    weights = randomize(net, rng)
    image = rng.uniform(0, 255, (50, 48, 3)).astype("float32")
    expected = reference(image, weights)
    assert (expected > 0.01).sum() >= 6
    found = ops.convert_to_numpy(net(image[None]))[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_stages_cut_it(rng):
    net = ResidualEmbedding(seed=3, **TINY)
    assert Tower(net, STAGES).stages == STAGES
    maps = [net.get_layer(name).output.shape[1:] for name in STAGES]
    assert maps == [
        *((48, 46, 2), (23, 22, 4), (10, 10, 8), (4, 4, 8), (1, 1, 8)),
        *((24,), (24,)),
    ]


def test_the_seed_decides_the_weights():
    def kernels(seed):
        net = ResidualEmbedding(seed=seed, **TINY)
        return [ops.convert_to_numpy(w).ravel() for w in net.weights if w.name == "kernel"]

    first, same, other, zero = (kernels(seed) for seed in (3, 3, 4, 0))
    assert len(first) == 1 + 4 * 3 + 1
    for ours, twins in zip(first, same, strict=True):
        np.testing.assert_array_equal(ours, twins)
    # No two layers draw the same numbers, nor those of another seed.
    starts = [kernel[0] / kernel.std() for kernel in (*first, *other, *zero)]
    assert len(np.unique(np.round(starts, 5))) == 3 * 14


def test_smallest_input():
    smallest = ResidualEmbedding((MINIMUM_SIZE, MINIMUM_SIZE, 3), width=1 / 16, size=6)
    assert smallest.get_layer("block4").output.shape[1:] == (1, 1, 8)
    for shape in ((47, 48, 3), (48, 47, 3)):
        with pytest.raises(ValueError, match="`input_shape`.*at least 48 pixels"):
            ResidualEmbedding(shape)


@pytest.mark.parametrize("shape", [(48, 48), (None, 48, 3), (48, 48, 1), (48, 48, None)])
def test_refuses_other_inputs(shape):
    with pytest.raises(ValueError, match=r"`input_shape` must be \(height, width, 3\)"):
        ResidualEmbedding(shape)


def test_refuses_other_sizes():
    for width in (0, -1):
        with pytest.raises(ValueError, match="`width` must be positive"):
            ResidualEmbedding(width=width)
    for size in (0, 1.5):
        with pytest.raises(ValueError, match="`size`"):
            ResidualEmbedding(size=size)


@pytest.mark.one_backend
def test_needs_channels_last():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ValueError, match="channels_last"):
            ResidualEmbedding()
    finally:
        keras.config.set_image_data_format("channels_last")
