"""Heads of dense tasks against Keras' transposed convolution."""

import numpy as np
import pytest
from keras import layers, ops

from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import (
    DepthHead,
    FCNHead,
    NormalsHead,
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


def test_certain_logits_are_decoded_to_the_words():
    certain = ops.convert_to_tensor(50 * np.eye(20, dtype="float32")[None, None])
    head = NormalsHead(CODEBOOK, (1, 20), strides=2)
    found = ops.convert_to_numpy(head.decode(head.prediction(certain)))
    np.testing.assert_allclose(found[0, 0], CODEBOOK.codewords, atol=1e-5)
