"""Published checkpoints in the towers: CaffeNet's against PyTorch, ResNets' by name."""

import numpy as np
import pytest
import torch
from torch.nn import functional
from weights.caffemodel_files import write_caffemodel

from keras_mtl.towers import CaffeNet, FastRCNNCaffeNet, LeNet, ResNet

WIDTH = 1 / 16
CLASSES = 7
MEAN_BGR = (104.0, 117.0, 123.0)


# CaffeNet


@pytest.fixture
def caffenet(rng):
    """Random weights in Caffe's shapes at a sixteenth of the width; conv2, 4, 5 have two groups."""
    shapes = {
        "conv1": (6, 3, 11, 11),
        "conv2": (16, 3, 5, 5),
        "conv3": (24, 16, 3, 3),
        "conv4": (24, 12, 3, 3),
        "conv5": (16, 12, 3, 3),
        "fc6": (256, 16 * 6 * 6),
        "fc7": (256, 256),
        "fc8": (CLASSES, 256),
    }
    return {
        name: [
            rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape).astype("float32"),
            rng.normal(0, 3, shape[:1]).astype("float32"),
        ]
        for name, shape in shapes.items()
    }


@pytest.fixture
def path(tmp_path, caffenet):
    write_caffemodel(tmp_path / "caffenet.caffemodel", caffenet)
    return tmp_path / "caffenet.caffemodel"


def by_torch(weights, pixels):
    """Logits of the network as Caffe describes it, from RGB pixels (batch, height, width, 3)."""
    weights = {name: [torch.tensor(x) for x in arrays] for name, arrays in weights.items()}
    x = torch.tensor((pixels[..., ::-1] - np.float32(MEAN_BGR)).transpose(0, 3, 1, 2).copy())

    def convolution(x, name, groups=1, **options):
        return torch.relu(functional.conv2d(x, *weights[name], groups=groups, **options))

    def pool(x):
        return functional.max_pool2d(x, 3, 2, ceil_mode=True)

    def norm(x):
        return functional.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0)

    x = norm(pool(convolution(x, "conv1", stride=4)))
    x = norm(pool(convolution(x, "conv2", groups=2, padding=2)))
    x = convolution(x, "conv3", padding=1)
    x = convolution(x, "conv4", groups=2, padding=1)
    x = pool(convolution(x, "conv5", groups=2, padding=1)).flatten(1)
    for name in ("fc6", "fc7"):
        x = torch.relu(functional.linear(x, *weights[name]))
    return functional.linear(x, *weights["fc8"]).numpy()


@pytest.mark.parametrize("fully_convolutional, rescale", [(False, 1 / 64), (True, 1.0)])
def test_caffenet_computes_what_caffe_does(path, caffenet, rng, fully_convolutional, rescale):
    net = CaffeNet(
        weights=path,
        classes=CLASSES,
        classifier_activation=None,
        width=WIDTH,
        rescale=rescale,
        fully_convolutional=fully_convolutional,
    )
    pixels = rng.uniform(0, 255, size=(2, 227, 227, 3)).astype("float32")
    expected = by_torch(caffenet, pixels)
    found = net.predict(pixels, verbose=0).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.std())


@pytest.mark.parametrize("version", ["V1", "legacy", "V0"])
def test_all_forms_of_caffenet_start_alike(tmp_path, path, caffenet, version):
    """Files of every age, with a kernel of conv1 that undoes the scale of the pixels."""
    write_caffemodel(tmp_path / "old.caffemodel", caffenet, version=version)
    options = dict(classes=CLASSES, width=WIDTH)
    expected = CaffeNet(weights=path, **options).get_weights()
    others = CaffeNet(weights=tmp_path / "old.caffemodel", rescale=1 / 4, **options).get_weights()
    np.testing.assert_array_equal(others[0], 4 * expected[0])
    for ours, theirs in zip(expected[1:], others[1:], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    convolutional = CaffeNet(
        weights=tmp_path / "old.caffemodel", fully_convolutional=True, **options
    )
    for ours, theirs in zip(expected, convolutional.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))


def test_fast_rcnn_starts_from_caffenet(path):
    expected = CaffeNet(weights=path, classes=CLASSES, width=WIDTH, rescale=1 / 64)
    found = FastRCNNCaffeNet(weights=path, width=WIDTH, rescale=1 / 64).get_weights()
    for ours, theirs in zip(expected.get_weights()[:-2], found, strict=True):  # but fc8
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.one_backend
def test_another_caffenet_is_refused(path):
    with pytest.raises(ValueError, match=r"\(16, 6, 5, 5\).*'conv2'.*\(16, 3, 5, 5\)"):
        CaffeNet(weights=path, width=WIDTH, groups=1, include_top=False)
    with pytest.raises(ValueError, match=r"\(1000, 256\).*'fc8'.*\(7, 256\)"):
        CaffeNet(weights=path, width=WIDTH)
    with pytest.raises(ValueError, match=r"\(256, 784\).*'fc6'.*\(256, 576\)"):
        CaffeNet(weights=path, width=WIDTH, classes=CLASSES, input_shape=(259, 259, 3))


# ResNets


def resnet_arrays(depth, rng, width):
    """By torchvision's names, in the order of its modules."""
    counts = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}[depth]
    arrays = {}

    def convolution_bn(conv, bn, filters, channels, window):
        arrays[f"{conv}.weight"] = rng.normal(size=(filters, channels, window, window))
        for part in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"{bn}.{part}"] = rng.uniform(0.5, 1.5, size=filters)
        arrays[f"{bn}.num_batches_tracked"] = np.int64(7)

    stem = inputs = int(64 * width)
    convolution_bn("conv1", "bn1", stem, 3, 7)
    for stage, count in enumerate(counts):
        inner = stem * 2**stage
        for number in range(count):
            block = f"layer{stage + 1}.{number}"
            if depth == 50:
                windows = ((1, inputs, inner), (3, inner, inner), (1, inner, 4 * inner))
            else:
                windows = ((3, inputs, inner), (3, inner, inner))
            for place, (window, before, after) in enumerate(windows, 1):
                names = f"{block}.conv{place}", f"{block}.bn{place}"
                convolution_bn(*names, after, before, window)
            outputs = windows[-1][-1]
            if inputs != outputs:
                names = f"{block}.downsample.0", f"{block}.downsample.1"
                convolution_bn(*names, outputs, inputs, 1)
            inputs = outputs
    arrays |= {"fc.weight": rng.normal(size=(9, inputs)), "fc.bias": rng.normal(size=9)}
    return arrays


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_resnets_take_every_array(tmp_path, rng, depth):
    """Random arrays are told apart by their sums; those of equal shape also by their places."""
    arrays = resnet_arrays(depth, rng, 1 / 32)
    torch.save({name: torch.tensor(x) for name, x in arrays.items()}, tmp_path / "resnet.pth")
    options = dict(weights=tmp_path / "resnet.pth", width=1 / 32)
    net = ResNet(depth, (32, 32, 3), classes=9, include_top=True, dilated=False, **options)
    expected = [x.sum() for name, x in arrays.items() if "num_batches" not in name]
    found = [x.sum() for x in net.get_weights()]
    np.testing.assert_allclose(sorted(found), sorted(expected), rtol=1e-3, atol=1e-4)
    last = 3 if depth == 50 else 2
    for ours, theirs in {
        "block1_2_conv1": "layer1.1.conv1",
        "block1_2_conv2": "layer1.1.conv2",
        "block3_2_bn1": "layer3.1.bn1",
        "block3_2_residual": f"layer3.1.bn{last}",
        "block4_1_shortcut": "layer4.0.downsample.1",
        **({"block3_2_bn2": "layer3.1.bn2"} if depth == 50 else {}),
    }.items():
        for weight, part in zip(
            net.get_layer(ours).get_weights(),
            ("weight", "bias", "running_mean", "running_var"),
            strict=False,
        ):
            array = np.float32(arrays[f"{theirs}.{part}"])
            array = np.einsum("oihw->hwio", array) if array.ndim == 4 else array
            np.testing.assert_array_equal(weight, array)
    headless = ResNet(depth, (32, 32, 3), **options)
    for ours, theirs in zip(headless.get_weights(), net.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.one_backend
def test_resnets_of_another_depth_or_width_are_refused(tmp_path, rng):
    arrays = resnet_arrays(18, rng, 1 / 32)
    torch.save({name: torch.tensor(x) for name, x in arrays.items()}, tmp_path / "resnet.pth")
    with pytest.raises(ValueError, match=r"resnet.pth' has none for \['block1_3_conv1'"):
        ResNet(34, (32, 32, 3), tmp_path / "resnet.pth", width=1 / 32)
    deeper = resnet_arrays(34, rng, 1 / 32)
    torch.save({name: torch.tensor(x) for name, x in deeper.items()}, tmp_path / "resnet34.pth")
    with pytest.raises(ValueError, match=r"'resnet18' and no others.*\['layer1.2.conv1.weight', "):
        ResNet(18, (32, 32, 3), tmp_path / "resnet34.pth", width=1 / 32)
    with pytest.raises(ValueError, match=r"\(4, 3, 7, 7\).*'stem_conv'.*\(2, 3, 7, 7\)"):
        ResNet(18, (32, 32, 3), tmp_path / "resnet.pth", width=1 / 16)


@pytest.mark.one_backend
def test_lenet_has_no_published_weights(tmp_path):
    (tmp_path / "lenet.caffemodel").write_bytes(b"")
    with pytest.raises(ValueError, match=r"`weights` must be a file of Keras \(.*\) for 'lenet'"):
        LeNet(weights=tmp_path / "lenet.caffemodel")
    with pytest.raises(FileNotFoundError, match="absent.weights.h5"):
        LeNet(weights=tmp_path / "absent.weights.h5")
