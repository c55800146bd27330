"""Convolutions as products of matrices and by group: what is faster than the backend's own."""

import math

from keras import ops

from keras_mtl.speed._backend import is_jax

# From here on the kernel, not the map, is what has to be read from memory.
LARGE_KERNEL = 2**22
JAX_LARGE_WINDOW = 36


def convolution_op(layer, inputs, kernel):
    """As `Conv2D.convolution_op`, equal to 1e-5, without its slow cases on the CPU.

    Two are far from what the CPU can do: the gradient of a grouped convolution (8 to 20 times
    slower on JAX and TensorFlow than one dense convolution a group) and the convolution with a
    kernel larger than the map it slides over, as AlexNet's fc6 (about 2 times slower there than
    one matrix product of its patches). `benchmarks/convolution.py` measures both.
    """
    if layer.groups == 1:
        return _dense(layer, inputs, kernel)
    channel_axis = -1 if layer.data_format == "channels_last" else 1
    groups = zip(
        ops.split(inputs, layer.groups, axis=channel_axis),
        ops.split(kernel, layer.groups, axis=-1),
        strict=True,
    )
    return ops.concatenate([_dense(layer, *group) for group in groups], channel_axis)


def _dense(layer, inputs, kernel):
    if takes_patches(layer, inputs, kernel):
        return by_patches(layer, inputs, kernel)
    return type(layer).convolution_op(layer, inputs, kernel)


def takes_patches(layer, inputs, kernel):
    """Whether a product of patches, cut out by plain slices, is the faster way."""
    return (
        is_large(kernel.shape)
        and layer.data_format == "channels_last"
        and layer.dilation_rate == (1, 1)
        and layer.padding in ("same", "valid")
        and None not in inputs.shape[1:3]
    )


def is_large(kernel_shape):
    """Measured on 2 cores, forward + backward (`benchmarks/convolution.py`).

    The 6×6×256×4096 kernel on a 13×13 map: 1082 → 443 ms on JAX, 658 → 361 on TensorFlow. On
    PyTorch the layer alone is too noisy to tell; the whole stitched step of
    `benchmarks/cross_stitch_step.py` went from 3591 to 2119 ms. A 6×6×64×1024 kernel on 11×11:
    level on PyTorch and TensorFlow, 132 → 46 ms on JAX.
    """
    if math.prod(kernel_shape) >= LARGE_KERNEL:
        return True
    return is_jax() and math.prod(kernel_shape[:2]) >= JAX_LARGE_WINDOW


def by_patches(layer, inputs, kernel):
    """Outputs of a convolution without its bias: one product of all patches and the kernel."""
    height, width, channels, filters = kernel.shape
    (stride_y, stride_x), size = layer.strides, inputs.shape[1:3]
    if layer.padding == "same":
        pads = [
            same_padding(*axis) for axis in zip(size, (height, width), layer.strides, strict=True)
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
    outputs = ops.matmul(ops.reshape(patches, (-1, length)), ops.reshape(kernel, (length, filters)))
    return ops.reshape(outputs, (-1, rows, columns, filters))


def same_padding(size, window, stride, dilation=1):
    """Pixels that "same" adds before and behind an axis."""
    total = max((math.ceil(size / stride) - 1) * stride + (window - 1) * dilation + 1 - size, 0)
    return total // 2, total - total // 2
