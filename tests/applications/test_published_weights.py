"""The zoo from other frameworks' checkpoints: every task's tower starts from them."""

import numpy as np
import pytest
import torch
from weights.caffemodel_files import write_caffemodel

from keras_mtl.applications import (
    AdaShareDeepLab,
    AttributeVGG,
    BranchedResNet,
    BranchedVGG,
    CrossStitchFastRCNN,
    CrossStitchFCN,
    DeepLab,
    ModulatedEmbedding,
)
from keras_mtl.sharing import Branched
from keras_mtl.towers import CaffeNet, FastRCNNCaffeNet, ResNet

WIDTH = 1 / 32
FCN_OPTIONS = dict(width=WIDTH, stem_strides=2, padding="same", rescale=1 / 64)
RESNET_SHAPE = (32, 32, 3)


@pytest.fixture
def caffenet(tmp_path, rng):
    """Random arrays in Caffe's shapes, taken from a network of ours."""
    net, path = CaffeNet(width=WIDTH, classes=5), tmp_path / "caffenet.caffemodel"
    arrays = {
        layer.name: [rng.normal(size=x.shape[::-1]).astype("float32") for x in layer.get_weights()]
        for layer in net.layers
        if layer.weights
    }
    write_caffemodel(path, arrays)
    return path


@pytest.fixture
def resnet(tmp_path, rng):
    """An 18-layer network in torchvision's names and shapes: a stage doubles the channels."""
    state, before = {}, 2

    def convolution_bn(conv, bn, filters, channels, window):
        shape = (filters, channels, window, window)
        state[f"{conv}.weight"] = torch.tensor(rng.normal(size=shape))
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{bn}.{part}"] = torch.tensor(rng.uniform(0.5, 1.5, size=filters))

    convolution_bn("conv1", "bn1", before, 3, 7)
    for stage in range(4):
        filters = 2 * 2**stage
        for block in (f"layer{stage + 1}.0", f"layer{stage + 1}.1"):
            if before != filters:
                convolution_bn(f"{block}.downsample.0", f"{block}.downsample.1", filters, before, 1)
            convolution_bn(f"{block}.conv1", f"{block}.bn1", filters, before, 3)
            convolution_bn(f"{block}.conv2", f"{block}.bn2", filters, filters, 3)
            before = filters
    torch.save(state, tmp_path / "resnet18.pth")
    return tmp_path / "resnet18.pth"


def every_stage_has(model, net):
    """All copies of a stage have the weights of the tower's layers in it."""
    expected = {layer.name: layer.get_weights() for layer in net.layers if layer.weights}
    for task in model.tasks:
        found = {}
        for stage in model.stages:
            copy = model.stage(task, stage)
            prefix = copy.name.removesuffix(stage)
            for layer in copy.layers:
                if layer.weights:
                    found[layer.name.removeprefix(prefix)] = layer.get_weights()
        assert set(found) == set(expected)
        for name in expected:
            for ours, theirs in zip(found[name], expected[name], strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_cross_stitched_fcn(caffenet):
    model = CrossStitchFCN({"a": 5, "b": "depth"}, (32, 32, 3), caffenet, **FCN_OPTIONS)
    options = dict(include_top=False, fully_convolutional=True, input_shape=(32, 32, 3))
    every_stage_has(model, CaffeNet(weights=caffenet, **options, **FCN_OPTIONS))


def test_cross_stitched_fast_rcnn(caffenet):
    model = CrossStitchFastRCNN(3, 4, weights=caffenet, width=WIDTH)
    every_stage_has(model, FastRCNNCaffeNet(weights=caffenet, width=WIDTH))


@pytest.mark.parametrize("kind", ["deeplab", "adashare", "branched"])
def test_deeplabs(resnet, kind):
    tasks = {"segmentation": 3, "depth": "depth"}
    options = dict(depth=18, width=WIDTH, features=4)
    if kind == "deeplab":
        model = DeepLab(Branched.independent(), tasks, RESNET_SHAPE, resnet, **options)
    elif kind == "adashare":
        model = AdaShareDeepLab(tasks, RESNET_SHAPE, resnet, policy=np.ones((2, 8)), **options)
    else:
        tree = {"block2_2": [["segmentation", "depth"]], "block4_2": [["segmentation"], ["depth"]]}
        model = BranchedResNet(tree, tasks, RESNET_SHAPE, resnet, **options)
    every_stage_has(model, ResNet(18, RESNET_SHAPE, resnet, width=WIDTH))


@pytest.mark.one_backend
def test_checkpoints_of_another_tower_are_refused(caffenet, resnet):
    options = dict(depth=18, width=WIDTH)
    with pytest.raises(ValueError, match="Keras .* or of PyTorch .* 'resnet18'.*caffemodel"):
        DeepLab(Branched.independent(), {"a": 3}, RESNET_SHAPE, caffenet, **options)
    with pytest.raises(ValueError, match="Keras .* or of Caffe .* 'caffenet'.*resnet18.pth"):
        CrossStitchFCN({"a": 5, "b": 2}, (32, 32, 3), resnet, **FCN_OPTIONS)


@pytest.mark.one_backend
def test_models_without_published_checkpoints(caffenet, tmp_path):
    makers = (
        lambda path: AttributeVGG(Branched.independent(), ["a"], (32, 32, 3), path, width=2),
        lambda path: BranchedVGG({"fc6": [["a", "b"]]}, ["a", "b"], (32, 32, 3), path, width=2),
        lambda path: ModulatedEmbedding(2, (48, 48, 3), path, width=0.1, size=4),
    )
    for make in makers:
        with pytest.raises(ValueError, match=r"`weights` must be a file of Keras \(.*caffemodel"):
            make(caffenet)
        with pytest.raises(FileNotFoundError, match="absent.weights.h5"):
            make(tmp_path / "absent.weights.h5")
