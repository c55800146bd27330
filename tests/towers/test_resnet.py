"""The ResNets against published counts, and against the same networks in NumPy and PyTorch."""

import math

import keras
import numpy as np
import pytest
import torch
from keras import ops
from torch_references import ResNet as TorchResNet
from torch_references import on_pixels, randomized

from keras_mtl.search import cost
from keras_mtl.towers import ResNet, Tower, possible_cuts
from keras_mtl.towers.resnet import BLOCKS, locations, stage_names

WIDTH = 1 / 32
TRAINABLE = {18: 11_176_512, 34: 21_284_672, 50: 25_557_032 - 2_049_000}  # without a classifier
GIGA_MACS_AT_224 = {18: 9.857, 34: 18.529}
WITH_CLASSIFIER = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032}
PROJECTED = dict.fromkeys([18, 34], ("block2_1", "block3_1", "block4_1"))
PROJECTED[50] = ("block1_1", *PROJECTED[34])


# Published counts


@pytest.mark.parametrize("depth", BLOCKS)
def test_parameters_and_multiply_accumulates(shapes_only, depth):
    net = shapes_only(ResNet, depth)
    trainable = sum(math.prod(weight.shape) for weight in net.trainable_weights)
    assert trainable == TRAINABLE[depth]
    if depth in GIGA_MACS_AT_224:
        assert cost(net).macs == pytest.approx(1e9 * GIGA_MACS_AT_224[depth], rel=1e-3)


@pytest.mark.parametrize("depth", BLOCKS)
def test_parameters_with_a_classifier(shapes_only, depth):
    net = shapes_only(ResNet, depth, dilated=False, include_top=True)
    assert (
        sum(math.prod(weight.shape) for weight in net.trainable_weights) == (WITH_CLASSIFIER[depth])
    )
    assert net.output_shape == (None, 1000) and net.layers[-1].activation.__name__ == "softmax"
    assert net.get_layer("stem").output.shape[1:3] == (56, 56)
    assert net.get_layer("pool").input.shape[1:3] == (7, 7)
    assert Tower(net, stage_names(depth)).stages == (*stage_names(depth), "fc")


def test_multiply_accumulates_of_bottlenecks(shapes_only):
    """By block: 1×1, 3×3 and 1×1 convolutions, and where the channels change a projection."""
    stem, before, cells = 7 * 7 * 3 * 64 * 112**2, 64, 57**2
    expected = stem
    for channels, count, strided in ((64, 3, 57), (128, 4, 29), (256, 6, 29), (512, 3, 29)):
        for _ in range(count):
            expected += before * channels * cells
            cells = strided**2
            expected += (9 * channels**2 + 4 * channels**2) * cells
            expected += (before != 4 * channels) * before * 4 * channels * cells
            before = 4 * channels
    assert cost(shapes_only(ResNet, 50)).macs == expected == 20_427_472_896


def test_sizes_of_the_maps(shapes_only):
    net = shapes_only(ResNet, 34, (None, None, 3))
    for image, rows in (((224, 224), (29, 29)), ((321, 321), (41, 41)), ((480, 640), (61, 81))):
        assert net.compute_output_shape((2, *image, 3)) == (2, *rows, 512)
        fixed = shapes_only(ResNet, 18, (*image, 3), width=WIDTH)
        assert fixed.output_shape == (None, *rows, 16)
        bottlenecks = shapes_only(ResNet, 50, (*image, 3), width=WIDTH)
        assert bottlenecks.output_shape == (None, *rows, 64)


def test_sizes_of_the_maps_of_the_form_that_strides(shapes_only):
    options = dict(dilated=False, width=WIDTH)
    net = shapes_only(ResNet, 34, (None, None, 3), **options)
    for image, rows in (((224, 224), (7, 7)), ((225, 193), (8, 7)), ((480, 640), (15, 20))):
        assert net.compute_output_shape((2, *image, 3)) == (2, *rows, 16)
        assert shapes_only(ResNet, 18, (*image, 3), **options).output_shape == (None, *rows, 16)


# The network in PyTorch


@pytest.mark.parametrize(
    ("depth", "dilated", "shape"),
    [
        (18, False, (64, 64, 3)),
        (34, False, (64, 64, 3)),
        pytest.param(50, False, (64, 64, 3), marks=pytest.mark.one_backend),
        # 60 pixels are 30 behind the first convolution: 16 behind a pool that rounds up, as of 64.
        (18, True, (60, 60, 3)),
    ],
)
def test_equals_torch(rng, tmp_path, depth, dilated, shape):
    """With its weights, and statistics of batches that are not 0 and 1."""
    images = rng.integers(0, 256, (2, *shape)).astype("float32")
    network = randomized(TorchResNet(depth, dilated), rng, images)
    assert sum(weight.numel() for weight in network.parameters()) == WITH_CLASSIFIER[depth]
    torch.save(network.state_dict(), tmp_path / "random.pth")
    expected = on_pixels(network.features if dilated else network, images)
    assert np.abs(expected[0] - expected[1]).mean() > 0.1
    net = ResNet(
        depth,
        shape,
        tmp_path / "random.pth",
        dilated=dilated,
        include_top=not dilated,
        classifier_activation=None,
    )
    found = ops.convert_to_numpy(net(images, training=False))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3 if depth == 50 else 1e-4)


# The network in NumPy


def convolution(x, kernel, strides=1, dilation=1):
    """Cross-correlation with as many zeros on every side as centre the kernel, (H, W, C)."""
    size = kernel.shape[0]
    pad = dilation * (size - 1) // 2
    padded = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    reach = dilation * (size - 1) + 1
    rows = range(0, padded.shape[0] - reach + 1, strides)
    columns = range(0, padded.shape[1] - reach + 1, strides)
    result = np.zeros((len(rows), len(columns), kernel.shape[-1]))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            patch = padded[row : row + reach : dilation, column : column + reach : dilation]
            result[i, j] = np.tensordot(patch, kernel, 3)
    return result


def normalization(x, weights):
    gamma, beta, mean, variance = weights
    return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta


def max_pool(x):
    """3×3 windows two cells apart, the first around cell 0, until the last cell is covered."""
    rows, columns = (math.ceil((size - 1) / 2) + 1 for size in x.shape[:2])
    windows = [
        [x[max(2 * i - 1, 0) : 2 * i + 2, max(2 * j - 1, 0) : 2 * j + 2] for j in range(columns)]
        for i in range(rows)
    ]
    return np.array([[window.max((0, 1)) for window in row] for row in windows])


def reference(net, image, depth):
    """The same network for one image, by the names of its layers."""
    weights = {layer.name: layer.get_weights() for layer in net.layers}
    x = (image / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    x = normalization(convolution(x, *weights["stem_conv"], strides=2), weights["stem_bn"])
    maps = {"stem": max_pool(np.maximum(x, 0))}
    x = maps["stem"]
    for name in stage_names(depth)[1:]:
        strides = 2 if name == "block2_1" else 1
        dilation = {"3": 2, "4": 4}.get(name[5], 1)
        shortcut = x
        if name in PROJECTED[depth]:
            shortcut = convolution(x, *weights[f"{name}_shortcut_conv"], strides)
            shortcut = normalization(shortcut, weights[f"{name}_shortcut"])
        if depth == 50:
            x = convolution(x, *weights[f"{name}_conv1"])
            x = np.maximum(normalization(x, weights[f"{name}_bn1"]), 0)
            x = convolution(x, *weights[f"{name}_conv2"], strides, dilation)
            x = np.maximum(normalization(x, weights[f"{name}_bn2"]), 0)
            x = convolution(x, *weights[f"{name}_conv3"])
        else:
            x = convolution(x, *weights[f"{name}_conv1"], strides, dilation)
            x = np.maximum(normalization(x, weights[f"{name}_bn1"]), 0)
            x = convolution(x, *weights[f"{name}_conv2"], dilation=dilation)
        maps[f"{name}_residual"] = normalization(x, weights[f"{name}_residual"])
        x = maps[name] = np.maximum(shortcut + maps[f"{name}_residual"], 0)
    return maps


@pytest.mark.parametrize("depth", [18, 50])
def test_equals_the_network_in_numpy(rng, monkeypatch, depth):
    monkeypatch.setitem(BLOCKS, 50, (2, 1, 1, 1))  # with and without a projection, in little time
    shape = (29, 64, 3)  # 8 rows, an even number, and 17 columns before the last stride
    net = ResNet(depth, shape, width=WIDTH, seed=0)
    for layer in net.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    image = rng.integers(0, 256, shape).astype("float32")
    expected = reference(net, image, depth)
    inner = keras.Model(net.inputs, {name: net.get_layer(name).output for name in expected})
    found = inner.predict(image[None], verbose=0)
    for name, values in expected.items():
        assert values.std() > 0.01
        np.testing.assert_allclose(found[name][0], values, rtol=1e-3, atol=1e-3, err_msg=name)


# Names, seeds, errors


@pytest.mark.parametrize("depth", BLOCKS)
def test_stages_cut_it_and_blocks_come_apart(shapes_only, depth):
    net = shapes_only(ResNet, depth, (64, 64, 3), width=WIDTH)
    assert Tower(net, stage_names(depth)).stages == stage_names(depth)
    assert len(stage_names(depth)) == 1 + sum(BLOCKS[depth])
    assert set(stage_names(depth)) < set(possible_cuts(net))
    names = {layer.name for layer in net.layers}
    before = "stem"
    for block in stage_names(depth)[1:]:
        projected = f"{block}_shortcut" in names
        assert projected == (block in PROJECTED[depth])
        summands = [net.get_layer(f"{block}_shortcut" if projected else before).output]
        summands.append(net.get_layer(f"{block}_residual").output)
        assert list(map(id, net.get_layer(f"{block}_add").input)) == list(map(id, summands))
        assert net.get_layer(block).input is net.get_layer(f"{block}_add").output
        before = block
    assert net.output is net.get_layer(before).output


@pytest.mark.parametrize("depth", BLOCKS)
def test_locations_are_the_last_blocks_of_their_width(shapes_only, depth):
    net = shapes_only(ResNet, depth, (64, 64, 3), width=WIDTH)
    ends = {net.get_layer(name).output.shape[-1]: name for name in stage_names(depth)[1:]}
    assert locations(depth) == tuple(ends.values())
    assert locations(depth)[-1] == stage_names(depth)[-1]


@pytest.mark.parametrize("depth", [18, 50])
def test_batches_are_normalised_as_published(shapes_only, depth):
    layers = shapes_only(ResNet, depth, width=WIDTH).layers
    normalizations = [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]
    assert len(normalizations) == {18: 1 + 2 * 8 + 3, 50: 1 + 3 * 16 + 4}[depth]
    assert {(layer.momentum, layer.epsilon) for layer in normalizations} == {(0.9, 1e-5)}


def initializer_seeds(*nets):
    return [
        layer.kernel_initializer.seed
        for net in nets
        for layer in net.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]


def test_the_seed_decides_the_weights():
    first, same, other = (ResNet(18, width=WIDTH, seed=seed) for seed in (3, 3, 4))
    for weight, twin in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, twin)
    seeds = initializer_seeds(first, other)
    assert len(set(seeds)) == len(seeds) == 2 * (1 + 2 * 8 + 3)


def test_no_two_layers_of_the_deepest_share_a_seed(shapes_only):
    seeds = initializer_seeds(*(shapes_only(ResNet, 50, width=WIDTH, seed=seed) for seed in (3, 4)))
    assert len(set(seeds)) == len(seeds) == 2 * (1 + 3 * 16 + 4)


def test_kernels_keep_the_variance_of_gradients(shapes_only, monkeypatch):
    monkeypatch.undo()  # the backend's own draws
    initializer = (
        shapes_only(ResNet, 18, width=WIDTH, seed=0).get_layer("stem_conv").kernel_initializer
    )
    kernel = ops.convert_to_numpy(initializer((3, 3, 32, 128)))
    assert kernel.std() == pytest.approx((2 / (9 * 128)) ** 0.5, rel=0.02)


def test_name_and_configuration(shapes_only):
    assert shapes_only(ResNet, 18, width=WIDTH).name == "resnet18"
    net = shapes_only(ResNet, 18, (None, None, 3), width=WIDTH, name="mine")
    assert net.name == "mine"
    assert keras.Model.from_config(net.get_config()).get_config() == net.get_config()


@pytest.mark.parametrize("depth", [101, "18", None])
def test_refuses_other_depths(depth):
    for build in (ResNet, stage_names, locations):
        with pytest.raises(ValueError, match=r"`depth` must be one of \[18, 34, 50\]. Received"):
            build(depth)


@pytest.mark.parametrize("shape", [None, (64, 64), (64, 64, 1), (None, None, None), (0, 64, 3)])
def test_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="`input_shape` must .*Received: input_shape="):
        ResNet(18, shape)


def test_refuses_classes_that_are_none():
    with pytest.raises(ValueError, match="`classes` .* Received: classes=0"):
        ResNet(18, include_top=True, classes=0)


def test_refuses_a_width_of_nothing():
    with pytest.raises(ValueError, match="`width` must be positive. Received: width=0"):
        ResNet(18, width=0)
