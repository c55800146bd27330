"""Max pooling that rounds its output size up, as Caffe does."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Config, Shape, Tensor


@keras.saving.register_keras_serializable("keras_mtl")
class CeilMaxPooling2D(keras.layers.Layer):
    """Max pooling whose last windows may hang over the right and bottom edge.

    The output has `ceil((size + 2 padding - pool_size) / strides) + 1` rows and columns: Caffe's
    rule, and PyTorch's with `ceil_mode=True`. Keras' "valid" rounds down; its "same" pads on all
    sides. NaN in a window is its maximum, but TensorFlow's operation passes over it on the CPU.

    Args:
        pool_size: side of the window, in pixels.
        strides: step of the window, in pixels; no larger than `pool_size`.
        padding: pixels on every side of the map that no maximum is taken of; no more than
            `pool_size - strides`.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: a tensor (batch, height, width, channels); height and width may be unknown.

    Raises:
        ValueError: `strides` larger than `pool_size`, or too much padding.

    Example:

    >>> import numpy as np, keras_mtl
    >>> tuple(keras_mtl.layers.CeilMaxPooling2D(3, 2)(np.ones((1, 6, 7, 1))).shape)
    (1, 3, 3, 1)
    """

    def __init__(
        self, pool_size: int = 3, strides: int = 2, padding: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not 1 <= strides <= pool_size:
            raise ValueError(
                "`strides` must lie between 1 and `pool_size`, or a window could start outside the "
                f"image. Received: pool_size={pool_size}, strides={strides}."
            )
        if not 0 <= padding <= pool_size - strides:
            raise ValueError(
                "`padding` must lie between 0 and `pool_size - strides`, or a window could hold "
                f"nothing else. Received: padding={padding}, pool_size={pool_size}, "
                f"strides={strides}."
            )
        self.pool_size, self.strides, self.padding = pool_size, strides, padding

    def call(self, inputs: Tensor) -> Tensor:
        overhang = [self._overhang(size) for size in inputs.shape[1:3]]
        if self.padding or any(overhang):
            pads = ((0, 0), *((self.padding, self.padding + n) for n in overhang), (0, 0))
            inputs = ops.pad(inputs, pads, constant_values=float("-inf"))
        return ops.max_pool(
            inputs, self.pool_size, self.strides, padding="valid", data_format="channels_last"
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, height, width, channels = input_shape
        return batch, self._output_size(height), self._output_size(width), channels

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }

    def _overhang(self, size):
        """Pixels to add behind the last one; for an unknown size the most that can be needed."""
        if size is None:
            return self.strides - 1
        beyond = size + 2 * self.padding - self.pool_size
        return -beyond % self.strides if beyond >= 0 else -beyond

    def _output_size(self, size):
        if size is None:
            return None
        padded = size + 2 * self.padding + self._overhang(size)
        return (padded - self.pool_size) // self.strides + 1
