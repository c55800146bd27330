"""The layers of CaffeNet-FCN against references computed in NumPy and SciPy."""

import numpy as np
import pytest
from keras import ops
from scipy.ndimage import correlate1d
from scipy.signal import convolve2d

from keras_mtl.layers import (
    BilinearDeconvolution,
    CeilMaxPooling2D,
    LocalResponseNormalization,
)


def close(ours, reference, tolerance=1e-5):
    ours = ops.convert_to_numpy(ours)
    np.testing.assert_allclose(ours, reference, atol=tolerance * np.abs(reference).max())


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
