"""CaffeNet with RoI pooling."""

import keras
import numpy as np
import pytest

from keras_mtl.layers import RoIPooling
from keras_mtl.towers import FastRCNNCaffeNet, Tower, possible_cuts
from keras_mtl.towers.fast_rcnn_caffenet import STAGES

TINY = dict(width=1 / 32, stem_strides=2, rescale=1 / 64)


def test_the_published_geometry():
    """600 × 1000 pixels: 150 × 250 behind conv1; the padded pools make 76 × 126 and 39 × 64."""
    net = FastRCNNCaffeNet((600, 1000, 3), width=0.01, fc_width=0.001)
    maps = {name: net.get_layer(name).output.shape[1:3] for name in ("conv1", "pool1", "conv5")}
    assert maps == {"conv1": (150, 250), "pool1": (76, 126), "conv5": (39, 64)}
    assert net.get_layer("roi_pool5").spatial_scale == 1 / 16
    assert tuple(net.get_layer("roi_pool5").output.shape[2:4]) == (6, 6)


@pytest.mark.parametrize("stem_strides", [2, 4])
def test_cells_stand_where_rois_are_taken_to_be(stem_strides):
    """A bright pixel at stride × k lights up cells around k: as many before it as behind it."""
    net = FastRCNNCaffeNet(width=1 / 32, stem_strides=stem_strides, rescale=1.0)
    scale = net.get_layer("roi_pool5").spatial_scale
    assert scale == 1 / (4 * stem_strides)
    pool2 = keras.Model(net.inputs[0], net.get_layer("pool2").output)
    for layer in net.layers:
        if layer.name in ("conv1", "conv2"):
            layer.set_weights([np.ones(w.shape) for w in layer.get_weights()])
    size, cell = int(16 / scale), 8
    pixel = int(cell / scale)
    images = np.full((2, size, size, 3), 120, "float32")
    images[1, pixel, pixel] = 255
    dark, lit = (np.asarray(x) for x in pool2.predict(images, verbose=0))
    rows, columns, _ = np.nonzero(np.abs(lit - dark) > 1e-6)
    assert rows.min() + rows.max() == columns.min() + columns.max() == 2 * cell


def test_every_stage_is_a_cut():
    net = FastRCNNCaffeNet(**TINY)
    assert set(STAGES) <= set(possible_cuts(net))
    tower = Tower(net, STAGES)
    assert [stage for stage in STAGES if tower.further_inputs(stage)] == ["roi_pool5"]


@pytest.mark.whole_network
def test_features_are_those_of_the_region(rng):
    """fc6 and fc7 see what RoI pooling cuts out of conv5, and nothing else."""
    net = FastRCNNCaffeNet(seed=0, **TINY)
    image = rng.uniform(0, 255, size=(1, 70, 90, 3)).astype("float32")
    rois = np.array([[[0, 0, 40, 40], [30, 20, 80, 60], [30, 20, 80, 60]]], "float32")
    found = net.predict([image, rois], verbose=0)
    assert found.shape == (1, 3, 128)
    np.testing.assert_array_equal(found[0, 1], found[0, 2])
    assert np.abs(found[0, 0] - found[0, 1]).max() > 0.01

    maps = keras.Model(net.inputs[0], net.get_layer("conv5").output).predict(image, verbose=0)
    inclusive = rois - np.array([0, 0, 1, 1], "float32")
    x = keras.ops.convert_to_numpy(RoIPooling(6, 1 / 8)([maps, inclusive])).reshape(3, -1)
    for name in ("fc6", "fc7"):
        kernel, bias = net.get_layer(name).get_weights()
        x = np.maximum(x @ kernel + bias, 0)
    np.testing.assert_allclose(found[0], x, rtol=1e-4, atol=1e-4 * x.max())


def test_seeds_decide_the_weights():
    one, same, other = (FastRCNNCaffeNet(seed=seed, **TINY).get_weights() for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    assert any((a != b).any() for a, b in zip(one, other, strict=True))


def test_regions_keep_their_place_in_half_precision(rng):
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        net = FastRCNNCaffeNet(seed=0, **TINY)
    finally:
        keras.config.set_dtype_policy(policy)
    assert keras.backend.standardize_dtype(net.get_layer("last_pixels").output.dtype) == "float32"
    assert keras.backend.standardize_dtype(net.get_layer("roi_pool5").output.dtype) == "float16"
