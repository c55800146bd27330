"""The thin VGG-16 against its published layers, and against the same network in NumPy."""

import keras
import numpy as np
import pytest

from keras_mtl.towers import ThinVGG16, Tower
from keras_mtl.towers._imagenet_pixels import CAFFE_MEAN_RGB
from keras_mtl.towers.thin_vgg16 import MINIMUM_SIZE, STAGES


def layers_of(net, kind):
    return [layer for layer in net.layers if isinstance(layer, kind)]


# The published network


def test_layers_of_vgg16_with_one_width():
    net = ThinVGG16()
    convolutions = layers_of(net, keras.layers.Conv2D)
    assert [layer.kernel.shape for layer in convolutions] == [(3, 3, 3, 64)] + 12 * [(3, 3, 64, 64)]
    dense = layers_of(net, keras.layers.Dense)
    assert [layer.kernel.shape for layer in dense] == [(7 * 7 * 64, 128), (128, 128)]
    sizes = [layer.output.shape[1] for layer in layers_of(net, keras.layers.MaxPooling2D)]
    assert sizes == [112, 56, 28, 14, 7]
    trainable = sum(int(np.prod(weight.shape)) for weight in net.trainable_weights)
    assert trainable + 40 * (128 + 1) == 870_312  # with a logit for each of 40 attributes
    assert 40 * (trainable + 128 + 1) == 34_611_240


def test_stages_cut_it_behind_every_layer_with_weights():
    net = ThinVGG16((32, 32, 3), width=2)
    tower = Tower(net, STAGES)
    assert tower.stages == STAGES and len(STAGES) == 15
    for stage in STAGES:
        part = tower.stage(stage)
        kinds = (keras.layers.Conv2D, keras.layers.Dense)
        assert len(layers_of(part, kinds)) == 1
        assert len(layers_of(part, keras.layers.MaxPooling2D)) == stage.startswith("pool")


# The network in NumPy


def normalised_relu(x, weights):
    gamma, beta, mean, variance = weights
    return np.maximum(gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta, 0)


def convolution(x, kernel, bias):
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    return np.einsum("hwcij,ijco->hwo", windows, kernel) + bias


def max_pool(x):
    rows, columns = (size // 2 for size in x.shape[:2])
    return x[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2, -1).max((1, 3))


def reference(net, image, rescale):
    weights = {layer.name: layer.get_weights() for layer in net.layers}
    x = (image - CAFFE_MEAN_RGB) * rescale
    for group, count in enumerate((2, 2, 3, 3, 3), 1):
        for name in (f"conv{group}_{number + 1}" for number in range(count)):
            x = normalised_relu(convolution(x, *weights[f"{name}_conv"]), weights[f"{name}_bn"])
        x = max_pool(x)
    x = x.ravel()
    for name in ("fc6", "fc7"):
        kernel, bias = weights[f"{name}_dense"]
        x = normalised_relu(x @ kernel + bias, weights[f"{name}_bn"])
    return x


def test_equals_the_network_in_numpy(rng):
    shape = (35, 64, 3)  # pools leave rows over
    net = ThinVGG16(shape, width=3, fc_width=5, rescale=1 / 50, seed=0)
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
        elif layer.weights:
            layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
    image = rng.uniform(0, 255, shape).astype("float32")
    expected = reference(net, image, 1 / 50)
    assert expected.shape == (5,) and expected.std() > 0.1
    found = net.predict(image[None], verbose=0)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


# Options, seeds, errors


def test_drops_behind_fc6_alone():
    net = ThinVGG16((32, 32, 3), width=2, dropout=0.3)
    (dropout,) = layers_of(net, keras.layers.Dropout)
    assert dropout.rate == 0.3 and dropout.input is net.get_layer("fc6").output


def test_the_seed_decides_the_weights():
    first, same, other = (ThinVGG16((32, 32, 3), width=2, seed=seed) for seed in (3, 3, 4))
    for weight, twin in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, twin)
    seeds = [
        layer.kernel_initializer.seed
        for net in (first, other)
        for layer in layers_of(net, (keras.layers.Conv2D, keras.layers.Dense))
    ]
    assert len(set(seeds)) == len(seeds) == 2 * 15


def test_smallest_input():
    size = MINIMUM_SIZE
    assert ThinVGG16((size, size, 3), width=1).output_shape == (None, 2)
    for shape in ((size - 1, size, 3), (size, size - 1, 3)):
        with pytest.raises(ValueError, match=r"`input_shape` must .* at least 32 .*Received: .*\("):
            ThinVGG16(shape)


@pytest.mark.parametrize("shape", [None, 64, (64, 64), (64, 64, 1), (None, 64, 3), (64, None, 3)])
def test_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="`input_shape` must be .* known sizes. Received"):
        ThinVGG16(shape)


@pytest.mark.parametrize("value", [0, -1, 0.25, True, "64"])
@pytest.mark.parametrize("argument", ["width", "fc_width"])
def test_widths_are_numbers_of_channels(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be an integer >= 1. Received"):
        ThinVGG16((32, 32, 3), **{argument: value})
