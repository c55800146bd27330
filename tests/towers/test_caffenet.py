"""CaffeNet against the published network's counts and sizes, and its geometry by perturbation."""

import bisect
import re

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.towers import CaffeNet, Tower, possible_cuts
from keras_mtl.towers._imagenet_pixels import CAFFE_MEAN_RGB
from keras_mtl.towers.caffenet import STAGES, score_geometry

WIDTH = 1 / 32


def multiply_accumulates(model):
    total = 0
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            total += int(np.prod(layer.kernel.shape)) * int(np.prod(layer.output.shape[1:-1]))
    return total


# Published counts


def test_parameters(shapes_only):
    assert shapes_only(CaffeNet).count_params() == 60_965_224
    assert shapes_only(CaffeNet, groups=1).count_params() == 62_378_344


@pytest.mark.parametrize("classes, expected", [(21, 56_954_261), (40, 57_032_104)])
def test_parameters_of_the_fully_convolutional_network(shapes_only, classes, expected):
    features = shapes_only(CaffeNet, include_top=False, fully_convolutional=True)
    whole = shapes_only(CaffeNet, classes=classes, fully_convolutional=True)
    score = 4096 * classes + classes
    assert features.count_params() + score == whole.count_params() == expected


@pytest.mark.parametrize("fully_convolutional", [False, True])
def test_multiply_accumulates(shapes_only, fully_convolutional):
    model = shapes_only(CaffeNet, fully_convolutional=fully_convolutional)
    assert multiply_accumulates(model) == 724_406_816


def test_maps_of_the_paper_size(shapes_only):
    net = shapes_only(
        CaffeNet,
        include_top=False,
        input_shape=(500, 500, 3),
        padding=100,
        fully_convolutional=True,
    )
    sizes = {name: net.get_layer(name).output.shape[1:3] for name in ("pool1", "pool2", "pool5")}
    assert sizes == {"pool1": (86, 86), "pool2": (43, 43), "pool5": (21, 21)}
    assert net.get_layer("fc6").output.shape[1:] == (16, 16, 4096)
    # (16 - 1) cells of 32 pixels and a kernel of 63 make 543 pixels; 18 are cropped before 500.
    stride, centres = score_geometry((500, 500, 3), 100, 4)
    assert (net.output_shape[1] - 1) * stride + 2 * stride - 1 == 543
    assert [stride - 1 - centre for centre in centres] == [18, 18]


# Forms of the network


def test_every_stage_is_a_possible_cut():
    for fully_convolutional in (False, True):
        net = CaffeNet(width=WIDTH, fully_convolutional=fully_convolutional)
        assert set(STAGES) < set(possible_cuts(net))
        assert Tower(net, STAGES).stages == (*STAGES, "fc8")


def test_fully_convolutional_network_is_the_dense_one(rng):
    """The same weights, reshaped, give the same classes on the size of the dense network."""
    options = dict(width=WIDTH, classes=5, stem_strides=2, input_shape=(105, 105, 3))
    dense, convolutional = (CaffeNet(**options, fully_convolutional=x) for x in (False, True))
    convolutional.set_weights(
        [
            weight.reshape(ours.shape)
            for weight, ours in zip(dense.get_weights(), convolutional.get_weights(), strict=True)
        ]
    )
    x = rng.uniform(0, 255, size=(1, 105, 105, 3)).astype("float32")
    expected = dense.predict(x, verbose=0)
    assert expected.max() > 0.2 + 1e-3
    found = convolutional.predict(x, verbose=0)
    np.testing.assert_allclose(found[:, 0, 0], expected, rtol=1e-3, atol=1e-5)


def test_pixels_of_the_mean_are_zeros_inside():
    net = CaffeNet(width=WIDTH, include_top=False, input_shape=(64, 64, 3), rescale=1 / 64)
    x = np.broadcast_to(np.float32(CAFFE_MEAN_RGB), (1, 64, 64, 3))
    assert np.abs(net.predict(x, verbose=0)).max() < 1e-6
    one_more = keras.Model(net.input, net.get_layer("preprocess").output)
    np.testing.assert_allclose(ops.convert_to_numpy(one_more(x + 1)), 1 / 64, atol=1e-5)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("width", [0.001, 0.03, 0.05, 0.1])
def test_every_width_goes_with_every_number_of_groups(shapes_only, width, groups):
    net = shapes_only(
        CaffeNet, width=width, groups=groups, input_shape=(64, 64, 3), include_top=False
    )
    assert net.output_shape[-1] % groups == 0


def test_weights_come_from_a_file(tmp_path, rng):
    options = dict(width=WIDTH, include_top=False, input_shape=(64, 64, 3))
    net = CaffeNet(**options)
    net.save_weights(tmp_path / "net.weights.h5")
    twin = CaffeNet(**options, weights=tmp_path / "net.weights.h5")
    for ours, theirs in zip(net.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_seed_makes_the_weights():
    options = dict(width=WIDTH, input_shape=(64, 64, 3), classes=5)
    one, same, other = (CaffeNet(**options, seed=seed).get_weights() for seed in (3, 3, 4))
    for ours, theirs in zip(one, same, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(one, other, strict=True):
        assert not ours.any() or (ours != theirs).any()  # biases are zero


def test_builds_on_a_tensor():
    image = keras.Input((64, 64, 3))
    x = keras.layers.RandomFlip()(image)
    net = CaffeNet(input_tensor=x, width=WIDTH, include_top=False)
    assert net.inputs[0] is image and net.output_shape == (None, 1, 1, 8)


# Input sizes

FORMS = {
    "pool5": dict(include_top=False),
    "dense": dict(),
    "fc7": dict(include_top=False, fully_convolutional=True),
    "fine fc7": dict(include_top=False, fully_convolutional=True, stem_strides=2),
}


@pytest.mark.parametrize("padding", [0, 100])
@pytest.mark.parametrize("form", FORMS)
def test_the_error_says_the_minimum(shapes_only, form, padding):
    options = dict(width=0.001, padding=padding, **FORMS[form])
    with pytest.raises(ValueError, match="must have .* of at least") as error:
        shapes_only(CaffeNet, input_shape=(0, 1000, 3), **options)
    minimum = int(re.search(r"at least (\d+) ", str(error.value))[1])
    smallest = shapes_only(CaffeNet, input_shape=(minimum, minimum, 3), **options)
    assert all(size is None or size > 0 for size in smallest.output_shape)
    assert minimum > 1 or padding
    for shape in ((minimum - 1, minimum, 3), (minimum, minimum - 1, 3)):
        with pytest.raises(ValueError, match=f"at least {minimum} .*Received: input_shape="):
            shapes_only(CaffeNet, input_shape=shape, **options)


@pytest.mark.parametrize("stem_strides, total", [(4, 32), (2, 16)])
def test_same_padding_needs_multiples_of_the_stride(shapes_only, stem_strides, total):
    options = dict(
        width=0.001,
        padding="same",
        stem_strides=stem_strides,
        include_top=False,
        fully_convolutional=True,
    )
    for rows, columns in ((1, 1), (2, 5), (3, 4)):
        net = shapes_only(CaffeNet, input_shape=(rows * total, columns * total, 3), **options)
        for name, stride in (("conv1", 1), ("pool1", 2), ("pool2", 4), ("pool5", 8), ("fc7", 8)):
            fine = total // stem_strides // stride  # cells of this map for one of fc7
            assert net.get_layer(name).output.shape[1:3] == (rows * fine, columns * fine)
    refused = f"`input_shape` must have .* multiples of {total}"
    for size, message in ((total - 1, refused), (total + total // 2, refused), (0, "at least 1 ")):
        with pytest.raises(ValueError, match=message):
            shapes_only(CaffeNet, input_shape=(total, size, 3), **options)


@pytest.mark.parametrize("shape", [64, (None, None, 3), (64, 64), (64, 64, 1), (64, None, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="`input_shape` must be"):
        CaffeNet(input_shape=shape, width=WIDTH)


def test_a_network_that_sees_nothing_is_refused():
    with pytest.raises(ValueError, match="`rescale` must be positive. Received: rescale=0"):
        CaffeNet(width=WIDTH, rescale=0)


# Where the cells of fc7 stand


@pytest.mark.parametrize(
    "axis, size, padding, stem_strides, cell",
    [
        (0, (500, 1), 100, 4, 7),
        (1, (105, 224), 0, 2, 3),
        (0, (208, 16), "same", 2, 6),
        (1, (32, 384), "same", 4, 6),
    ],
)
def test_cells_stand_where_the_geometry_says(axis, size, padding, stem_strides, cell):
    """A cell's centre is the middle of the pixels that can change it.

    All weights are positive and an image of the mean gives zeros everywhere, so that any brighter
    pixel within the window of a cell makes the cell positive. The first and the last row (or
    column) that does are found by halving.
    """
    net = CaffeNet(
        include_top=False,
        input_shape=(*size, 3),
        width=0.001,
        groups=1,
        padding=padding,
        stem_strides=stem_strides,
        fully_convolutional=True,
    )
    net.set_weights(
        [
            np.full(w.shape, 1 / np.prod(w.shape[:-1]) if w.ndim > 1 else 0.0)
            for w in net.get_weights()
        ]
    )

    def changes(lines):
        image = np.broadcast_to(np.float32(CAFFE_MEAN_RGB), (*size, 3)).copy()
        image[(slice(None),) * axis + (lines,)] += 50
        return bool(np.take(net.predict_on_batch(image[None])[0], cell, axis).max() > 1e-12)

    lines = range(size[axis])
    first = bisect.bisect_left(lines, True, key=lambda i: changes(slice(0, i + 1)))
    last = bisect.bisect_left(lines, True, key=lambda i: not changes(slice(i, None))) - 1
    assert 0 < first < last < size[axis] - 1, "the window of this cell is cut off"
    stride, centres = score_geometry((*size, 3), padding, stem_strides)
    assert stride == 8 * stem_strides
    assert (first + last) / 2 - cell * stride == centres[axis]
