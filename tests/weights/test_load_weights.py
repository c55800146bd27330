"""Checkpoints in Keras models: every layout, all or nothing, and what is refused."""

import keras
import numpy as np
import pytest
import torch
from keras import layers
from numpy_weights import draw_by_numpy
from safetensors.numpy import save_file
from torch import nn
from weights.caffemodel_files import write_caffemodel
from weights.torch_modules import drawn

from keras_mtl.weights import is_foreign, load_weights

NAMES = {
    **{"grouped": "0", "depthwise": "1", "bn": "2"},
    **{"fc1": "4", "fc2": "5"},
}
MAPS = {"fc1": (5, 4)}


@pytest.fixture(autouse=True)
def weights_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


@pytest.fixture
def reference(rng):
    net = nn.Sequential(
        nn.Conv2d(4, 6, (2, 3), groups=2),
        nn.Conv2d(6, 12, (3, 2), groups=6, bias=False),  # two filters a channel
        nn.BatchNorm2d(12),
        nn.Flatten(),
        nn.Linear(12 * 5 * 4, 7),
        nn.Linear(7, 3),
    )
    return drawn(net, rng)


def network(units=3, fc1="dense", name="net"):
    image = keras.Input((8, 7, 4))
    x = layers.Conv2D(6, (2, 3), groups=2, name="grouped")(image)
    x = layers.DepthwiseConv2D((3, 2), depth_multiplier=2, use_bias=False, name="depthwise")(x)
    x = layers.BatchNormalization(epsilon=1e-5, name="bn")(x)
    if fc1 == "dense":
        x = layers.Dense(7, name="fc1")(layers.Flatten()(x))
        x = layers.Dense(units, name="fc2")(x)
    else:
        x = layers.Conv2D(7, (5, 4), name="fc1")(x)
        x = layers.Conv2D(units, 1, name="fc2")(x)
    return keras.Model(image, x, name=name)


def state_arrays(state):
    return {name: x.numpy().copy() for name, x in state.items()}


def checkpoint(path, reference):
    state = reference.state_dict()
    if path.suffix == ".safetensors":
        save_file(state_arrays(state), path)
    else:
        torch.save(state, path)
    return path


def expected_and_found(reference, net, rng):
    x = rng.normal(size=(2, 8, 7, 4)).astype("float32")
    with torch.no_grad():
        expected = reference(torch.tensor(x.transpose(0, 3, 1, 2))).numpy()
    return expected, net.predict(x, verbose=0).reshape(expected.shape)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("fc1", ["dense", "convolution"])
def test_every_layout_computes_what_pytorch_does(tmp_path, rng, reference, suffix, fc1):
    net = network(fc1=fc1)
    path = checkpoint(tmp_path / f"net{suffix}", reference)
    load_weights(net, str(path), torch_names=NAMES, flattened=MAPS)
    np.testing.assert_allclose(*expected_and_found(reference, net, rng), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("prefix", ["", "module._orig_mod.", "net."])
@pytest.mark.parametrize("ours", ["", "net."])
@pytest.mark.parametrize("end", [".pth.tar", ".safetensors"])
def test_what_stands_before_names_is_no_part_of_them(tmp_path, reference, prefix, ours, end):
    """Unless whoever names the layers counts it in, as of an `nn.Sequential` called `net`."""
    state = {f"{prefix}{name}": x for name, x in reference.state_dict().items()}
    path = tmp_path / f"net{end}"
    save_file(state_arrays(state), path) if end == ".safetensors" else torch.save(state, path)
    names, net = {layer: f"{ours}{name}" for layer, name in NAMES.items()}, network()
    if ours and prefix != ours:
        with pytest.raises(ValueError, match="in PyTorch's names"):
            load_weights(net, path, torch_names=names, flattened=MAPS)
        return
    load_weights(net, path, torch_names=names, flattened=MAPS)
    bias = reference.state_dict()["5.bias"].numpy()
    np.testing.assert_array_equal(net.get_layer("fc2").get_weights()[1], bias)


@pytest.mark.parametrize("end", [".ckpt", ".pth.tar", ".bin", ".PTH"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_ends_of_names_and_half_precision(tmp_path, reference, end, dtype):
    path, net = tmp_path / f"net.v2{end}", network()
    torch.save({"state_dict": reference.to(dtype).state_dict()}, path)
    load_weights(net, path, torch_names=NAMES, flattened=MAPS)
    expected = reference.state_dict()["5.bias"].float().numpy()
    np.testing.assert_array_equal(net.get_layer("fc2").get_weights()[1], expected)


# Caffe


def caffe_layers(rng, convolutional=False):
    fc1 = (7, 6, 2, 3) if convolutional else (7, 36)
    shapes = {"conv1": (6, 4, 3, 2), "fc1": fc1, "score": (5, 7)}
    arrays = {
        name: [rng.normal(size=shape).astype("float32") for shape in (shape, shape[:1])]
        for name, shape in shapes.items()
    }
    return {"other": [np.float32([3])], **arrays}


def caffe_network(convolutional):
    image = keras.Input((4, 4, 4))
    x = layers.Conv2D(6, (3, 2), name="conv1")(image)
    if convolutional:
        return keras.Model(image, layers.Conv2D(7, (2, 3), name="fc1")(x))
    return keras.Model(image, layers.Dense(7, name="fc1")(layers.Flatten()(x)))


@pytest.mark.parametrize("version", ["V2", "legacy"])
@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("theirs", [True, False])
def test_caffe_layers_of_either_form(tmp_path, rng, version, ours, theirs):
    """A fully connected layer here may be a convolution there; conv1 is changed as it is asked."""
    arrays = caffe_layers(rng, theirs)
    write_caffemodel(tmp_path / "net.caffemodel", arrays, version=version)
    net = caffe_network(ours)
    load_weights(
        net,
        tmp_path / "net.caffemodel",
        caffe_names=("conv1", "fc1"),
        flattened={"fc1": (2, 3)},
        kernels={"conv1": lambda kernel: kernel[:, ::-1] / 2},
    )
    kernel, bias = net.get_layer("conv1").get_weights()
    np.testing.assert_array_equal(bias, arrays["conv1"][1])
    for row, column, channel, unit in np.ndindex(kernel.shape):
        assert kernel[row, column, channel, unit] == arrays["conv1"][0][
            unit, 3 - channel, row, column
        ] / np.float32(2)
    kernel, bias = net.get_layer("fc1").get_weights()
    kernel = kernel.reshape(2, 3, 6, 7)
    np.testing.assert_array_equal(bias, arrays["fc1"][1])
    theirs = arrays["fc1"][0].reshape(7, 6, 2, 3)
    np.testing.assert_array_equal(kernel, np.einsum("uchw->hwcu", theirs))


# All or nothing


def refuses(net, path, message, error=ValueError, **options):
    before = net.get_weights()
    with pytest.raises(error, match=message):
        load_weights(net, path, **options)
    for ours, theirs in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.one_backend
def test_another_number_of_classes(tmp_path, reference):
    path = checkpoint(tmp_path / "net.pth", reference)
    message = r"\(4, 7\).*\(4,\).*'fc2'.*net.pth.*\(3, 7\).*\(3,\)"
    refuses(network(units=4), path, message, torch_names=NAMES, flattened=MAPS)


@pytest.mark.one_backend
def test_another_size_of_the_map_behind_a_flattening(tmp_path, reference):
    path = checkpoint(tmp_path / "net.pth", reference)
    image = keras.Input((5, 6, 12))
    net = keras.Model(image, layers.Dense(7, name="fc1")(layers.Flatten()(image)))
    refuses(net, path, r"\(7, 360\).*'fc1'.*\(7, 240\)", torch_names=NAMES)


@pytest.mark.one_backend
@pytest.mark.parametrize("gone", ["2.running_var", "0.bias"])
def test_missing_arrays(tmp_path, reference, gone):
    state = {name: x for name, x in reference.state_dict().items() if name != gone}
    torch.save(state, tmp_path / "net.pth")
    layer = {"2": "bn", "0": "grouped"}[gone[0]]
    refuses(network(), tmp_path / "net.pth", layer, torch_names=NAMES, flattened=MAPS)


@pytest.mark.one_backend
def test_missing_layers_are_all_named(tmp_path, reference):
    state = {name: x for name, x in reference.state_dict().items() if name[0] not in "25"}
    torch.save(state, tmp_path / "net.pth")
    message = r"net.pth.*\['bn', 'fc2'\].*\['grouped', 'depthwise', 'fc1'\]"
    refuses(network(), tmp_path / "net.pth", message, torch_names=NAMES, flattened=MAPS)


@pytest.mark.one_backend
def test_checkpoints_of_another_network(tmp_path, reference):
    """Deeper, or with other names: whatever no layer of the network is called."""
    state, path = reference.state_dict(), tmp_path / "net.pth"
    torch.save({**state, "6.weight": torch.ones(3), "6.num_batches_tracked": torch.ones(())}, path)
    message = r"layers of 'net' and no others.*\['0', '1', '2', '4', '5'\]\. .*\['6.weight'\]\.$"
    refuses(network(), path, message, torch_names=NAMES, flattened=MAPS)
    torch.save({f"model.{name * 20}": x for name, x in state.items()}, path)
    with pytest.raises(ValueError, match=r"\['model.0.weight0.*…', .* … of 11\.$") as error:
        load_weights(network(), path, torch_names=NAMES)
    assert len(str(error.value)) < 600


@pytest.mark.one_backend
def test_layers_of_caffe_in_another_order(tmp_path, rng):
    """A network of equal shapes that normalises before it pools is another network."""
    arrays = {name: blobs for name, blobs in caffe_layers(rng).items() if name != "other"}
    image = keras.Input((4, 4, 4))
    x = layers.Conv2D(6, (3, 2), name="conv1")(image)
    x = layers.ReLU(name="norm1")(layers.ReLU(name="pool1")(x))
    net = keras.Model(image, layers.Dense(7, name="fc1")(layers.Flatten()(x)), name="net")
    options = dict(caffe_names=("conv1", "fc1"), flattened={"fc1": (2, 3)})
    path = tmp_path / "net.caffemodel"

    def write(*names):
        write_caffemodel(path, {name: arrays.get(name, []) for name in names})

    write("conv1", "norm1", "pool1", "fc1")
    refuses(net, path, "order of 'net'.*'norm1' before 'pool1'", **options)
    write("conv1", "relu1", "pool1", "norm1", "fc1")
    load_weights(net, path, **options)
    np.testing.assert_array_equal(net.get_layer("conv1").get_weights()[1], arrays["conv1"][1])


@pytest.mark.one_backend
def test_layers_that_are_not_named_are_left(tmp_path, rng):
    """Such as a normalisation that a network is built on."""
    image = keras.Input((4, 4, 4))
    x = layers.BatchNormalization(name="front")(image)
    net = keras.Model(image, layers.Conv2D(6, (3, 2), name="conv1")(x))
    arrays, before = caffe_layers(rng), net.get_layer("front").get_weights()
    write_caffemodel(tmp_path / "net.caffemodel", arrays)
    load_weights(net, tmp_path / "net.caffemodel", caffe_names=("conv1", "fc1"))
    np.testing.assert_array_equal(net.get_layer("conv1").get_weights()[1], arrays["conv1"][1])
    for ours, theirs in zip(before, net.get_layer("front").get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


# Kinds of files


@pytest.mark.one_backend
def test_a_model_without_any_named_layer(tmp_path, reference):
    image = keras.Input((8, 7, 4))
    net = keras.Model(image, layers.Conv2D(6, 3, name="stem")(image))
    path = checkpoint(tmp_path / "net.pth", reference)
    with pytest.raises(ValueError, match="`model` must have layers that are named: .'grouped'"):
        load_weights(net, path, torch_names=NAMES)


def test_files_of_keras(tmp_path, rng):
    net = network()
    expected = [rng.uniform(size=weight.shape).astype("float32") for weight in net.get_weights()]
    net.set_weights(expected)
    net.save_weights(tmp_path / "net.weights.h5")
    net.save(tmp_path / "net.keras")
    for name in ("net.weights.h5", "net.keras"):
        net.set_weights([np.zeros_like(weight) for weight in expected])
        load_weights(net, str(tmp_path / name), torch_names=NAMES, caffe_names=())
        for ours, theirs in zip(net.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.one_backend
def test_files_of_keras_that_do_not_fit(tmp_path):
    """Keras fills the layers before the one that fails; they are set back."""
    net, other = network(), network(units=4)
    other.save_weights(tmp_path / "other.weights.h5")
    other.save(tmp_path / "other.keras")
    for name in ("other.weights.h5", "other.keras"):
        refuses(net, tmp_path / name, rf"Keras that fits 'net'.*{name}'\. Keras says: .*fc2")


@pytest.mark.one_backend
@pytest.mark.parametrize("name", ["a.weights.h5", "a.keras", "a.pth", "a.safetensors"])
def test_what_a_file_may_be_instead(tmp_path, name):
    net = network()
    for content, message in {
        b"": "It is empty",
        b"<!DOCTYPE html><html>Not found</html>": "web page",
        b"version https://git-lfs.github.com/spec/v1\nsize 243862414\n": "git-lfs",
        b"To be downloaded.": r"looks like text\.",
    }.items():
        (tmp_path / name).write_bytes(content)
        refuses(net, tmp_path / name, f"Received: .*{name}.*{message}", torch_names=NAMES)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", ["a.caffemodel", "a.pth", "a.safetensors", "a.weights.h5", "a"])
def test_missing_files(tmp_path, name):
    refuses(network(), tmp_path / name, f"`weights`.*{name}", FileNotFoundError, torch_names=NAMES)


@pytest.mark.one_backend
def test_kinds_that_the_network_is_not_published_in(tmp_path):
    net = network()
    for name, options, kinds in (
        ("a.pth", {}, r"Keras \(.weights.h5, .keras\) for 'net'"),
        ("a.pt", {"caffe_names": ()}, "Keras .* or of Caffe .* for 'net'"),
        ("a.caffemodel", {"torch_names": NAMES}, "Keras .* or of PyTorch .* for 'net'"),
        ("a.tar", {"torch_names": NAMES}, "Keras .* or of PyTorch .* for 'net'"),
        ("a.bin", {}, "Keras .* for 'net'"),
    ):
        (tmp_path / name).write_bytes(b"")
        refuses(net, tmp_path / name, f"`weights` must be a file of {kinds}.*{name}", **options)


@pytest.mark.one_backend
def test_foreign_suffixes(tmp_path):
    assert all(
        map(is_foreign, ("a.caffemodel", "a.pth", tmp_path / "a.pt", "a.SafeTensors", "b.PTH.tar"))
    )
    assert not any(map(is_foreign, (None, "a.weights.h5", tmp_path / "a.pt.keras", "pth", "a.tar")))
