"""Convolutions as products of matrices and by group: what is faster than the backend's own."""

import math

from keras import ops

from keras_mtl.speed._backend import backend

# From here on the kernel, not the map, is what has to be read from memory.
LARGE_KERNEL = 2**22
# Numbers in the kernel to one in the map, from which on the same holds for smaller ones on JAX.
KERNEL_TO_MAP = 4


def convolution_op(layer, inputs, kernel):
    """As `Conv2D.convolution_op`, equal to 1e-5, without its slow cases on the CPU.

    Three are far from what the CPU can do: the gradient of a grouped convolution (8 to 20 times
    slower on JAX and TensorFlow than one dense convolution a group), windows of one pixel, and
    kernels larger than the map they slide over, as AlexNet's fc6: see `takes_patches`.
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
    """Whether a product of patches, cut out by plain slices, is possible and the faster way.

    Measured forward + backward, of the time of the convolution (`benchmarks/convolution.py`). A
    6×6×256×4096 kernel on a 13×13 map: .4 on JAX, .55 on TensorFlow; on PyTorch the whole stitched
    step of CaffeNet-FCN took .6. A window of 1×1: .25 to .55 on JAX, .3 to .9 on TensorFlow, 1 to 3
    on PyTorch. On JAX 3×3 windows of 512 channels on 3×3 and 7×7 maps .6 to .8, of 256 on 6×6 .9,
    of 64 on 24×24 2; on TensorFlow 1 to 6.
    """
    return (
        layer.data_format == "channels_last"
        and layer.dilation_rate == (1, 1)
        and layer.padding in ("same", "valid")
        and None not in inputs.shape[1:3]
        and (is_large(kernel) or _is_faster(inputs.shape, kernel.shape))
    )


def is_large(kernel):
    """Whether a product of patches is faster on every backend, if it is possible."""
    return math.prod(kernel.shape) >= LARGE_KERNEL


def _is_faster(inputs, kernel):
    if backend() == "torch":
        return False
    if kernel[:2] == (1, 1):
        return True
    is_known = backend() == "jax" and None not in inputs
    return is_known and math.prod(kernel) >= KERNEL_TO_MAP * math.prod(inputs)


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
