"""A `Conv2D` in the spelling that is fastest on the device at hand."""

import math

import keras
from keras import ops

from keras_mtl._types import Tensor

# From here on the kernel, not the map, is what has to be read from memory.
LARGE_KERNEL = 2**22
JAX_LARGE_WINDOW = 36


@keras.saving.register_keras_serializable("keras_mtl")
class FastConv2D(keras.layers.Conv2D):
    """A drop-in `keras.layers.Conv2D` (equal to 1e-5) that avoids its slow cases on the CPU.

    Two cases are far from what the CPU can do: the gradient of a grouped convolution (8 to 20 times
    slower on JAX and TensorFlow than one dense convolution a group) and the convolution with a
    kernel larger than the map it slides over, as AlexNet's fc6 (about 2 times slower there than
    one matrix product of its patches). `benchmarks/convolution.py` measures both.

    Args:
        *args, **kwargs: those of `keras.layers.Conv2D`; weights and results are the same.

    Example:

    >>> import numpy as np, keras_mtl
    >>> layer = keras_mtl.layers.FastConv2D(4, 5, groups=2, padding="same")
    >>> tuple(layer(np.ones((1, 8, 8, 6))).shape)
    (1, 8, 8, 4)
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        if not _runs_on_cpu():
            return super().convolution_op(inputs, kernel)
        if self.groups == 1:
            return self._dense_convolution(inputs, kernel)
        channel_axis = -1 if self.data_format == "channels_last" else 1
        groups = zip(
            ops.split(inputs, self.groups, axis=channel_axis),
            ops.split(kernel, self.groups, axis=-1),
            strict=True,
        )
        return ops.concatenate([self._dense_convolution(*group) for group in groups], channel_axis)

    def _dense_convolution(self, inputs, kernel):
        if self._patches_fit(inputs) and _matmul_is_faster(kernel.shape):
            return self._matmul_of_patches(inputs, kernel)
        return super().convolution_op(inputs, kernel)

    def _patches_fit(self, inputs):
        """Whether the patches can be cut out by plain slices."""
        return (
            self.data_format == "channels_last"
            and self.dilation_rate == (1, 1)
            and self.padding in ("same", "valid")
            and None not in inputs.shape[1:3]
        )

    def _matmul_of_patches(self, inputs, kernel):
        height, width, channels, filters = kernel.shape
        (stride_y, stride_x), size = self.strides, inputs.shape[1:3]
        if self.padding == "same":
            pads = [
                _same_padding(*axis)
                for axis in zip(size, (height, width), self.strides, strict=True)
            ]
            inputs = ops.pad(inputs, ((0, 0), *pads, (0, 0)))
        rows = (inputs.shape[1] - height) // stride_y + 1
        columns = (inputs.shape[2] - width) // stride_x + 1
        patches = ops.concatenate(
            [
                inputs[
                    :,
                    y : y + (rows - 1) * stride_y + 1 : stride_y,
                    x : x + (columns - 1) * stride_x + 1 : stride_x,
                ]
                for y in range(height)
                for x in range(width)
            ],
            axis=-1,
        )
        length = height * width * channels
        outputs = ops.matmul(
            ops.reshape(patches, (-1, length)), ops.reshape(kernel, (length, filters))
        )
        return ops.reshape(outputs, (-1, rows, columns, filters))


def _same_padding(size, window, stride):
    total = max((math.ceil(size / stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _matmul_is_faster(kernel_shape):
    """Measured on 2 cores, forward + backward (`benchmarks/convolution.py`).

    The 6×6×256×4096 kernel on a 13×13 map: 1082 → 443 ms on JAX, 658 → 361 on TensorFlow. On
    PyTorch the layer alone is too noisy to tell; the whole stitched step of
    `benchmarks/cross_stitch_step.py` went from 3591 to 2119 ms. A 6×6×64×1024 kernel on 11×11:
    level on PyTorch and TensorFlow, 132 → 46 ms on JAX.
    """
    if math.prod(kernel_shape) >= LARGE_KERNEL:
        return True
    return keras.backend.backend() == "jax" and math.prod(kernel_shape[:2]) >= JAX_LARGE_WINDOW


def _runs_on_cpu():
    try:
        return keras.distribution.list_devices()[0].startswith("cpu")
    except AttributeError:
        # Keras 3.15 has no list of devices on PyTorch: ask where a new tensor goes. The answer
        # is not kept, since it is "meta" while a functional model is built.
        return str(ops.convert_to_tensor(0.0).device).startswith("cpu")
