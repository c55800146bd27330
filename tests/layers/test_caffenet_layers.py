"""The layers of CaffeNet-FCN against references computed in NumPy and SciPy."""

import keras
import numpy as np
import pytest
from keras import ops
from scipy.ndimage import correlate1d
from scipy.signal import convolve2d

from keras_mtl.layers import (
    BilinearDeconvolution,
    CeilMaxPooling2D,
    FastConv2D,
    LocalResponseNormalization,
    fast_conv2d,
)


def close(ours, reference, tolerance=1e-5):
    ours = ops.convert_to_numpy(ours)
    np.testing.assert_allclose(ours, reference, atol=tolerance * np.abs(reference).max())


# FastConv2D

CONVOLUTIONS = {
    "plain": dict(filters=8, kernel_size=3),
    "groups": dict(filters=8, kernel_size=5, groups=2, padding="same"),
    "groups with a stride": dict(filters=8, kernel_size=3, groups=4, strides=2, padding="same"),
    "large window": dict(filters=8, kernel_size=6, padding="same"),
    "large window with a stride": dict(filters=8, kernel_size=(11, 7), strides=(4, 2)),
    "same with a stride": dict(filters=4, kernel_size=7, strides=3, padding="same"),
    "groups of large windows": dict(filters=8, kernel_size=6, groups=2),
    "activation without bias": dict(filters=8, kernel_size=6, activation="relu", use_bias=False),
}


@pytest.mark.parametrize("by_matmul", [True, False])
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_fast_convolution_is_the_convolution(rng, monkeypatch, case, by_matmul):
    monkeypatch.setattr(fast_conv2d, "_matmul_is_faster", lambda shape: by_matmul)
    x = rng.normal(size=(2, 14, 13, 4)).astype("float32")
    fast = FastConv2D(**CONVOLUTIONS[case])
    plain = keras.layers.Conv2D(**CONVOLUTIONS[case])
    fast.build(x.shape)
    plain.build(x.shape)
    weights = [rng.normal(size=w.shape).astype("float32") for w in fast.weights]
    fast.set_weights(weights)
    plain.set_weights(weights)
    close(fast(x), ops.convert_to_numpy(plain(x)))


def test_the_large_layer_of_caffenet_is_lowered_and_small_ones_are_not():
    first = FastConv2D(4, 6, padding="same", data_format="channels_first")
    assert first.compute_output_shape((1, 4, 9, 8)) == (1, 4, 9, 8)
    assert fast_conv2d._matmul_is_faster((6, 6, 256, 4096))
    assert not fast_conv2d._matmul_is_faster((3, 3, 192, 384))
    assert fast_conv2d._matmul_is_faster((1, 1, 4096, 4096))


def test_a_functional_model_takes_the_fast_way(rng, monkeypatch):
    """On PyTorch a model is built on the "meta" device, which must not decide for later."""
    calls = []
    patches = FastConv2D._matmul_of_patches
    monkeypatch.setattr(fast_conv2d, "_matmul_is_faster", lambda shape: True)
    monkeypatch.setattr(
        FastConv2D, "_matmul_of_patches", lambda *args: calls.append(1) or patches(*args)
    )
    model = keras.Sequential([keras.Input((8, 8, 3)), FastConv2D(4, 3)])
    calls.clear()
    model(rng.normal(size=(1, 8, 8, 3)).astype("float32"))
    assert calls or not fast_conv2d._runs_on_cpu()


# LocalResponseNormalization


@pytest.mark.parametrize("size, beta", [(5, 0.75), (3, 0.5), (1, 0.75)])
def test_normalisation_is_caffes(rng, size, beta):
    x = 10 * rng.normal(size=(2, 3, 3, 9))
    energy = correlate1d(x**2, np.ones(size), mode="constant")
    layer = LocalResponseNormalization(size=size, alpha=0.01, beta=beta, k=2.0)
    close(layer(x.astype("float32")), x / (2 + 0.01 / size * energy) ** beta)


# CeilMaxPooling2D


@pytest.mark.parametrize(
    "pool, stride, padding",
    [(3, 2, 0), (2, 2, 0), (3, 1, 0), (3, 3, 0), (1, 1, 0), (3, 2, 1), (3, 1, 2), (2, 1, 1)],
)
@pytest.mark.parametrize("height, width", [(7, 8), (9, 12), (2, 3), (1, 5)])
def test_pooling_is_the_maximum_of_every_window(rng, height, width, pool, stride, padding):
    x = -1 - rng.random(size=(1, height, width, 2)).astype("float32")  # all below zero

    def windows(size):
        count = max(int(np.ceil((size + 2 * padding - pool) / stride)), 0) + 1
        starts = [number * stride - padding for number in range(count)]
        return [slice(max(start, 0), start + pool) for start in starts]

    expected = np.array(
        [
            [x[0, rows, columns].max((0, 1)) for columns in windows(width)]
            for rows in windows(height)
        ]
    )
    close(CeilMaxPooling2D(pool, stride, padding)(x), expected[None])


# BilinearDeconvolution


@pytest.mark.parametrize("stride, kernel", [(2, 3), (4, 7), (4, 8), (32, 63)])
def test_upsampling_is_the_transposed_convolution(rng, stride, kernel):
    """Reference: zeros between the cells, then a full convolution with Caffe's bilinear kernel."""
    rows, columns = 3, 4
    x = rng.normal(size=(1, rows, columns, 2))
    factor = (kernel + 1) // 2
    centre = factor - 1 if kernel % 2 else factor - 0.5
    line = 1 - np.abs(np.arange(kernel) - centre) / factor
    spread = np.zeros(((rows - 1) * stride + 1, (columns - 1) * stride + 1, 2))
    spread[::stride, ::stride] = x[0]
    full = np.stack(
        [convolve2d(spread[..., channel], np.outer(line, line)) for channel in range(2)], -1
    )
    assert full.shape[0] == (rows - 1) * stride + kernel
    top, left = stride // 2, 1
    height, width = full.shape[0] - top - 1, full.shape[1] - left - 2
    layer = BilinearDeconvolution((height, width), stride, kernel, crop=(top, left))
    close(layer(x.astype("float32")), full[None, top : top + height, left : left + width])


# What is refused


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: LocalResponseNormalization(size=4), "`size` must be an odd"),
        (lambda: CeilMaxPooling2D(2, 3), "`strides` must lie between"),
        (lambda: CeilMaxPooling2D(3, 2, padding=2), "`padding` must lie between.*padding=2"),
        (
            lambda: BilinearDeconvolution((16, 16), strides=4).build((2, 3, 3, 4)),
            "must fit into the upsampled map of 15",
        ),
        (lambda: BilinearDeconvolution((8, 8), strides=4).build((2, None, 3, 4)), "must be known"),
    ],
)
def test_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()
