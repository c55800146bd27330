"""AlexNet against the published count and against PyTorch."""

import keras
import numpy as np
import pytest
import torch
from keras import layers
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional
from torch_references import on_pixels
from weights.torch_modules import drawn

from keras_mtl.towers import AlexNet, Tower
from keras_mtl.towers.alexnet import STAGES

WIDTH = 1 / 16


class Reference(nn.Module):
    """The published module with fewer channels."""

    def __init__(self, channels, units, classes):
        super().__init__()
        one, two, three, four, five = channels
        self.features = nn.Sequential(
            *(nn.Conv2d(3, one, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(one, two, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
            *(nn.Conv2d(two, three, 3, 1, 1), nn.ReLU()),
            *(nn.Conv2d(three, four, 3, 1, 1), nn.ReLU()),
            *(nn.Conv2d(four, five, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            *(nn.Dropout(), nn.Linear(five * 36, units), nn.ReLU()),
            *(nn.Dropout(), nn.Linear(units, units), nn.ReLU(), nn.Linear(units, classes)),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


@pytest.fixture
def reference(rng):
    return drawn(Reference((4, 12, 24, 16, 16), 256, 7), rng)


def test_parameters(shapes_only):
    """Those that torchvision states."""
    assert shapes_only(AlexNet).count_params() == 61_100_840


def test_maps_of_the_published_size(shapes_only):
    net = shapes_only(AlexNet)
    sizes = {
        f"pool{number}": net.get_layer(f"pool{number}").output.shape[1] for number in (1, 2, 5)
    }
    assert sizes == {"pool1": 27, "pool2": 13, "pool5": 6}
    assert Tower(net, STAGES).stages == (*STAGES, "fc8")


@pytest.mark.parametrize("suffix, shape", [(".pth", (224, 224, 3)), (".safetensors", (99, 230, 3))])
def test_published_weights_compute_what_pytorch_does(tmp_path, rng, reference, suffix, shape):
    path, state = tmp_path / f"alexnet{suffix}", reference.state_dict()
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file({name: x.numpy() for name, x in state.items()}, path)
    net = AlexNet(
        weights=path, input_shape=shape, classes=7, classifier_activation=None, width=WIDTH
    )
    pixels = rng.uniform(0, 255, size=(2, *shape)).astype("float32")
    expected = on_pixels(reference, pixels)
    assert np.abs(expected[0] - expected[1]).max() > 0.02  # of the images, not of biases alone
    np.testing.assert_allclose(net.predict(pixels, verbose=0), expected, rtol=1e-4, atol=1e-4)


def test_published_features(tmp_path, reference):
    """The classifier stays in the file if it is not wanted, but must fit if it is."""
    torch.save(reference.state_dict(), tmp_path / "alexnet.pth")
    options = dict(weights=tmp_path / "alexnet.pth", width=WIDTH)
    net = AlexNet(include_top=False, input_shape=(None, None, 3), **options)
    kernel = reference.features[10].weight.detach().numpy()
    np.testing.assert_array_equal(net.get_layer("conv5").get_weights()[0].T, kernel.swapaxes(2, 3))
    assert net.output_shape == (None, None, None, 16)
    with pytest.raises(ValueError, match=r"\(8, 256\).*'fc8'.*alexnet.pth.*\(7, 256\)"):
        AlexNet(classes=8, **options)
    with pytest.raises(ValueError, match=r"'fc6'.*alexnet.pth.*\(256, 576\)"):
        AlexNet(classes=7, fc_width=1 / 8, **options)


@pytest.mark.parametrize("include_top", [True, False])
def test_the_smallest_input(shapes_only, include_top):
    assert (
        None
        not in shapes_only(AlexNet, input_shape=(63, 63, 3), include_top=include_top)
        .layers[-1]
        .output.shape[1:]
    )
    for shape in ((62, 63, 3), (63, 62, 3)):
        with pytest.raises(ValueError, match="at least 63 pixels.*Received"):
            shapes_only(AlexNet, input_shape=shape, include_top=include_top)


def test_inputs_that_are_refused(shapes_only):
    with pytest.raises(ValueError, match="`input_shape` .* known sizes.*None"):
        shapes_only(AlexNet, input_shape=(None, 224, 3))
    with pytest.raises(ValueError, match="`input_shape` must be"):
        shapes_only(AlexNet, input_shape=(224, 224, 1))
    with pytest.raises(ValueError, match="`pooling` must be"):
        shapes_only(AlexNet, include_top=False, pooling="mean")
    for options in ({"width": 0}, {"fc_width": -1}):
        with pytest.raises(ValueError, match=f"`{next(iter(options))}` must be positive.*Received"):
            shapes_only(AlexNet, **options)


def test_forms_without_a_classifier(shapes_only):
    image = keras.Input((70, 64, 3))
    net = shapes_only(
        AlexNet, include_top=False, input_tensor=keras.layers.RandomFlip()(image), width=0.5
    )
    assert net.inputs[0] is image and net.output_shape == (None, 1, 1, 128)
    assert shapes_only(AlexNet, include_top=False, pooling="avg").output_shape == (None, 256)


def test_seed_makes_the_weights():
    options = dict(width=WIDTH, input_shape=(64, 64, 3), classes=5)
    one, same, other = (AlexNet(**options, seed=seed).get_weights() for seed in (3, 3, 4))
    for ours, theirs in zip(one, same, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(one, other, strict=True):
        assert not ours.any() or (ours != theirs).any()  # biases are zero


def test_average_of_fractional_windows_is_that_of_pytorch(rng):
    """Keras' layer has torch's windows, which overlap where sizes do not divide."""
    x = rng.normal(size=(1, 7, 13, 2)).astype("float32")
    expected = functional.adaptive_avg_pool2d(torch.tensor(x.transpose(0, 3, 1, 2)), 6).numpy()
    found = keras.ops.convert_to_numpy(layers.AdaptiveAveragePooling2D(6)(x))
    np.testing.assert_allclose(found, expected.transpose(0, 2, 3, 1), atol=1e-5)
