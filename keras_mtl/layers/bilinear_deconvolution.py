"""The frozen bilinear deconvolution of fully convolutional networks, as two matrix products."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_integer, check_pair
from keras_mtl._types import Config, Shape, Size, Tensor


@keras.saving.register_keras_serializable("keras_mtl")
class BilinearDeconvolution(keras.layers.Layer):
    """Upsamples by a transposed convolution with a fixed bilinear kernel, then crops.

    The kernel is separable and frozen, so each axis is one product with a banded matrix: the result
    of the transposed convolution to 1e-5 at a small part of its time.

    Source: Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015.

    Args:
        output_size: `(height, width)` after the crop, in pixels.
        strides: factor of the upsampling.
        kernel_size: side of the bilinear kernel, in output pixels; `2 * strides - 1` if `None`
            (63 for a factor of 32).
        crop: pixels left out at the top and the left of the upsampled map (18 in FCN-AlexNet), or
            a pair (top, left).
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: a tensor (batch, height, width, channels) of known height and width.

    Returns:
        A tensor (batch, *output_size, channels).

    Raises:
        ValueError: sizes that are no pair of integers, or an upsampled map that is smaller than
            crop + output_size.

    Example:

    >>> import numpy as np, keras_mtl
    >>> layer = keras_mtl.layers.BilinearDeconvolution((8, 8), strides=4, crop=2)
    >>> tuple(layer(np.ones((1, 3, 3, 5))).shape)
    (1, 8, 8, 5)
    """

    def __init__(
        self,
        output_size: Size,
        strides: int,
        kernel_size: int | None = None,
        crop: int | tuple[int, int] = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.output_size = check_pair("output_size", output_size)
        self.strides = check_integer("strides", strides, 1)
        self.kernel_size = kernel_size or 2 * strides - 1
        self.crop = check_pair("crop", crop, 0, one_for_both=True)

    def build(self, input_shape: Shape) -> None:
        self._rows, self._columns = (
            self._interpolation(*axis)
            for axis in zip(input_shape[1:3], self.output_size, self.crop, strict=True)
        )

    def call(self, inputs: Tensor) -> Tensor:
        (height, rows), (width, columns) = self._rows.shape, self._columns.shape
        rows_matrix = ops.convert_to_tensor(self._rows, dtype=inputs.dtype)
        columns_matrix = ops.convert_to_tensor(self._columns, dtype=inputs.dtype)
        channels = inputs.shape[-1]
        # Columns first: the large product that comes last then runs over whole rows of memory.
        x = ops.matmul(columns_matrix, ops.reshape(inputs, (-1, columns, channels)))
        x = ops.matmul(rows_matrix, ops.reshape(x, (-1, rows, width * channels)))
        return ops.reshape(x, (-1, height, width, channels))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], *self.output_size, input_shape[-1]

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates of one example, as `keras_mtl.search.cost` asks for them.

        Those of the transposed convolution that this is, one channel at a time: the two matrix
        products are a way to compute it, and multiply by zeros.
        """
        return math.prod(input_shape[1:]) * self.kernel_size**2

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "output_size": list(self.output_size),
            "strides": self.strides,
            "kernel_size": self.kernel_size,
            "crop": list(self.crop),
        }

    def _interpolation(self, size, output_size, crop):
        """Weights (output_size, size) of every input cell in every output pixel along one axis."""
        if size is None:
            raise ValueError(f"{self.name}: the inputs' height and width must be known.")
        upsampled = (size - 1) * self.strides + self.kernel_size
        if crop + output_size > upsampled:
            raise ValueError(
                f"{self.name}: `crop` + `output_size` must fit into the upsampled map of "
                f"{upsampled} pixels. Received: {crop} + {output_size}."
            )
        position = crop + np.arange(output_size)[:, None] - self.strides * np.arange(size)
        half = (self.kernel_size + 1) // 2
        centre = half - 1 if self.kernel_size % 2 else half - 0.5
        inside = (position >= 0) & (position < self.kernel_size)
        return inside * (1 - np.abs(position - centre) / half).astype("float32")
