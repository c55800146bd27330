"""Heads of dense tasks against Keras' transposed convolution, and their checks of targets."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from layer_checks import check_layer

from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import (
    DepthHead,
    FCNHead,
    NormalsHead,
    SegmentationHead,
)

CODEBOOK = NormalsCodebook.default()


def bilinear_deconvolution(scores, strides):
    """`Conv2DTranspose` whose kernel is the outer product of two tents, channel by channel."""
    size, channels = 2 * strides - 1, scores.shape[-1]
    tent = 1 - np.abs(np.arange(size) - (strides - 1)) / strides
    kernel = np.einsum("h,w,oi->hwoi", tent, tent, np.eye(channels))
    layer = layers.Conv2DTranspose(channels, size, strides, use_bias=False)
    layer.build(scores.shape)
    layer.set_weights([kernel])
    return ops.convert_to_numpy(layer(scores))


@pytest.mark.parametrize("strides, crop", [(4, 0), (4, (3, 5)), (8, (9, 2))])
def test_head_is_score_deconvolution_and_crop(rng, strides, crop):
    x = rng.normal(size=(1, 6, 6, 3)).astype("float32")
    head = FCNHead(5, (20, 16), strides, crop=crop, dropout=0.5)
    head.build(x.shape)
    weights = [rng.normal(size=weight.shape) for weight in head.get_weights()]
    head.set_weights(weights)
    kernel, bias = weights
    full = bilinear_deconvolution((x @ kernel[0, 0] + bias).astype("float32"), strides)
    assert full.shape == (1, 5 * strides + 2 * strides - 1, 5 * strides + 2 * strides - 1, 5)
    top, left = crop if isinstance(crop, tuple) else (crop, crop)
    expected = full[:, top : top + 20, left : left + 16]
    np.testing.assert_allclose(ops.convert_to_numpy(head(x)), expected, rtol=1e-4, atol=1e-5)


def test_dropout_drops_features_in_training_only(rng):
    x = np.ones((1, 6, 6, 64), "float32")
    head = FCNHead(2, (16, 16), 4, dropout=0.5, seed=3)
    calm = [ops.convert_to_numpy(head(x, training=False)) for _ in range(2)]
    np.testing.assert_array_equal(*calm)
    assert np.abs(ops.convert_to_numpy(head(x, training=True)) - calm[0]).max() > 1e-3


HEADS = {
    "fcn": lambda: FCNHead(3, (16, 16), 4, crop=(1, 2), seed=5),
    "segmentation": lambda: SegmentationHead(3, (16, 16), 4, crop=2),
    "normals": lambda: NormalsHead(CODEBOOK, (16, 16), 4, dropout=0.25, seed=4),
    "depth": lambda: DepthHead((16, 16), 4, crop=(1, 2), seed=6),
}


@pytest.mark.parametrize("kind", HEADS)
def test_contract(rng, tmp_path, kind):
    x = rng.normal(size=(2, 5, 5, 4)).astype("float32")
    check_layer(HEADS[kind](), x, tmp_path, weights=2)


@pytest.mark.parametrize("kind", HEADS)
def test_logits_are_float32_under_mixed_precision(rng, kind):
    config = {**HEADS[kind]().get_config(), "dtype": "mixed_bfloat16"}
    head = type(HEADS[kind]()).from_config(config)
    logits = head(rng.normal(size=(2, 5, 5, 4)).astype("float32"))
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    # The product itself runs in half precision: its results have 8 bits.
    assert head.score.compute_dtype == "bfloat16"


def test_only_the_score_is_trained():
    head = SegmentationHead(3, (16, 16), 4)
    head.build((None, 5, 5, 4))
    assert [weight.shape for weight in head.trainable_weights] == [(1, 1, 4, 3), (3,)]
    assert head.non_trainable_weights == []


def test_normals_head_keeps_its_codebook():
    words = NormalsCodebook(CODEBOOK.codewords[[0, 1, 3, 5, 8, 13]])
    head = NormalsHead(words, (16, 16), 4)
    assert head.channels == 6 and head.compute_output_shape((2, 5, 5, 4)) == (2, 16, 16, 6)
    twin = NormalsHead.from_config(head.get_config())
    np.testing.assert_array_equal(twin.codebook.codewords, words.codewords)


def test_depth_head_has_one_linear_channel(rng):
    head = DepthHead((16, 16), 4)
    head.build((None, 5, 5, 4))
    head.set_weights([np.zeros((1, 1, 4, 1)), np.array([-2.5])])
    depth = ops.convert_to_numpy(head(rng.normal(size=(2, 5, 5, 4)).astype("float32")))
    assert depth.shape == (2, 16, 16, 1)
    # Away from the border, where the bilinear kernels add up to one.
    np.testing.assert_allclose(depth[:, 3:, 3:], -2.5, rtol=1e-6)


def test_a_map_too_small_for_the_image_is_refused():
    with pytest.raises(ValueError, match="must fit into the upsampled map of 23"):
        FCNHead(3, (24, 16), 4).build((None, 5, 5, 4))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: FCNHead(3, 64, 4), "`output_size` must be a pair .* output_size=64"),
        (lambda: FCNHead(3, (64, 0), 4), r"`output_size` must be .*\(64, 0\)"),
        (lambda: FCNHead(3, (8, 8), 4, crop=-1), "`crop` must be .* crop=-1"),
        (lambda: FCNHead(3, (8, 8), "4"), "`strides` must be .* strides='4'"),
        (lambda: FCNHead(None, (8, 8), 4), "`channels` must be .* channels=None"),
        (lambda: NormalsHead(20, (8, 8), 4), "`codebook` must be .* codebook=20"),
        (lambda: NormalsHead(NormalsCodebook, (8, 8), 4), "`codebook` must be a NormalsCodebook"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Targets


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
@pytest.mark.parametrize("last_axis", [(), (1,)])
def test_labels_in_range_pass(dtype, last_axis):
    labels = np.array([0, 1, 2, 255], dtype).reshape(1, 2, 2, *last_axis)
    SegmentationHead(3, (2, 2), 1).check_targets(labels)


@pytest.mark.parametrize(
    "labels, message",
    [
        (np.array([[[0, 3]]]), r"`y` must hold labels from 0 to 2, or 255 .* Received: \[3\]"),
        (np.array([[[254, 7, 7, -1]]]), r"Received: \[-1, 7, 254\]"),
        (np.array([[[0.0, 1.0]]]), "must hold integer labels. Received: dtype=float64"),
        (np.array([[[True]]]), "must hold integer labels. Received: dtype=bool"),
    ],
)
def test_wrong_labels_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        SegmentationHead(3, (2, 2), 1).check_targets(labels, name="y")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8"])
def test_unit_normals_and_zeros_pass(rng, dtype):
    normals = rng.normal(size=(1, 4, 4, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    if dtype == "int8":
        normals = np.eye(3)[rng.integers(0, 3, size=(1, 4, 4))]
    normals[0, :2] = 0
    NormalsHead(CODEBOOK, (4, 4), 1).check_targets(normals.astype(dtype))


@pytest.mark.parametrize(
    "normal, message",
    [
        ((np.nan, 0, 1), "`y` must be finite; set unknown normals to zero. Received: 1 pixels"),
        ((0, -np.inf, 0), "`y` must be finite"),
        ((0, 0, 0.5), "`y` must be unit vectors.* Received: 1 pixels .* such as 0.500"),
        ((127, 127, 255), "`y` must be unit vectors"),
        ((1, 0), r"`y` must have shape \(…, 3\). Received: shape=\(1, 1, 1, 2\)"),
    ],
)
def test_wrong_normals_are_refused(normal, message):
    with pytest.raises(ValueError, match=message):
        NormalsHead(CODEBOOK, (1, 1), 1).check_targets(np.float32([[[normal]]]), name="y")


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "int64"])
@pytest.mark.parametrize("last_axis", [(), (1,)])
def test_metres_and_zeros_pass(dtype, last_axis):
    depth = np.array([0, 1, 2.5, 80], dtype).reshape(1, 2, 2, *last_axis)
    DepthHead((2, 2), 1).check_targets(depth)


@pytest.mark.parametrize(
    "depth, message",
    [
        ([[[1.0, np.nan]]], "`y` must be finite; set unknown depths to zero. Received: 1 pixels"),
        ([[[np.inf, -np.inf]]], "`y` must be finite.* Received: 2 pixels"),
        ([[[3.0, -0.5]]], "metres of at least 0.* Received: 1 pixels below, such as -0.500"),
        ([[[3, -1]]], "Received: 1 pixels below, such as -1.000"),
        ([[[True]]], "`y` must hold metres. Received: dtype=bool"),
        ([[["near"]]], "`y` must hold metres. Received: dtype=<U4"),
        ([[1.0]], r"`y` must have shape \(batch, height, width\).* Received: shape=\(1, 1\)"),
        ([[[[1.0, 2.0]]]], r"Received: shape=\(1, 1, 1, 2\)"),
    ],
)
def test_wrong_depths_are_refused(depth, message):
    with pytest.raises(ValueError, match=message):
        DepthHead((1, 2), 1).check_targets(np.array(depth), name="y")
