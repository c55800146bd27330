"""Convolutions in other operations of Keras than its own, where these are slow on the CPU."""

import math

from keras import ops

from keras_mtl.speed._backend import backend

# From here on the kernel, not the map, is what has to be read from memory.
LARGE_KERNEL = 2**22
# Numbers in the kernel to one in the map, from which on a product is the faster way.
KERNEL_TO_MAP, KERNEL_TO_MAP_ON_JAX = 8, 4


def convolution_op(layer, inputs, kernel):
    """As `Conv2D.convolution_op`, on JAX and TensorFlow, without what is far from the CPU's best.

    That is the gradient of a grouped convolution (8 to 20 times slower than one dense convolution a
    group), and where `takes_patches`.
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
    if takes_patches(layer, inputs.shape, kernel.shape):
        return by_patches(layer, inputs, kernel)
    return type(layer).convolution_op(layer, inputs, kernel)


def takes_patches(layer, inputs, kernel):
    """Whether a product of patches, cut out by plain slices, is possible and the faster way.

    Measured forward + backward, of the time of the convolution (`benchmarks/convolution.py`). A
    6×6×256×4096 kernel on a 13×13 map: .4 on JAX, .55 on TensorFlow. A window of 1×1: .25 to .55 on
    JAX, .3 to .9 on TensorFlow. On JAX 3×3 windows of 512 channels on 3×3 and 7×7 maps .6 to .8, of
    256 on 6×6 .9, of 64 on 24×24 2; on TensorFlow 1 to 6.

    Args:
        layer: a `Conv2D`.
        inputs, kernel: shapes of the map and of the kernel, or of those of a group.
    """
    is_plain = layer.data_format == "channels_last" and layer.dilation_rate == (1, 1)
    if not is_plain or not _are_cut_out(layer, inputs[1:3], kernel[:2]):
        return False
    # What is not known, such as the batch of a model that is exported, counts as one.
    size, of_map = math.prod(kernel), math.prod(n for n in inputs if isinstance(n, int))
    least = KERNEL_TO_MAP_ON_JAX * of_map
    if backend() != "jax":
        least = max(LARGE_KERNEL, KERNEL_TO_MAP * of_map)
    return kernel[:2] == (1, 1) or size >= least


def _are_cut_out(layer, sizes, window):
    """Whether there is a patch; Keras has words for where there is none."""
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        return False
    fits = all(size >= length for size, length in zip(sizes, window, strict=True))
    return layer.padding == "same" or (layer.padding == "valid" and fits)


def by_patches(layer, inputs, kernel):
    """Outputs of a convolution without its bias: one product of all patches and the kernel."""
    patches = list(_patches(layer, inputs, kernel.shape[:2]))
    rows, columns = patches[0].shape[1:3]
    length, filters = math.prod(kernel.shape[:3]), kernel.shape[3]
    outputs = ops.matmul(
        ops.reshape(ops.concatenate(patches, axis=-1), (-1, length)),
        ops.reshape(kernel, (length, filters)),
    )
    return ops.reshape(outputs, (-1, rows, columns, filters))


def _patches(layer, inputs, window):
    """The map as each pixel of the window sees it."""
    sizes = inputs.shape[1:3]
    axes = list(zip(sizes, window, layer.strides, layer.dilation_rate, strict=True))
    if layer.padding == "same":
        pads = [same_padding(*axis) for axis in axes]
        inputs = ops.pad(inputs, ((0, 0), *pads, (0, 0)))
    (height, width), (stride_y, stride_x) = window, layer.strides
    (rate_y, rate_x), padded = layer.dilation_rate, inputs.shape[1:3]
    rows = (padded[0] - (height - 1) * rate_y - 1) // stride_y + 1
    columns = (padded[1] - (width - 1) * rate_x - 1) // stride_x + 1
    for y in range(0, height * rate_y, rate_y):
        for x in range(0, width * rate_x, rate_x):
            yield inputs[
                :,
                y : y + (rows - 1) * stride_y + 1 : stride_y,
                x : x + (columns - 1) * stride_x + 1 : stride_x,
            ]


def depthwise_convolution(layer, inputs):
    """As `DepthwiseConv2D.call`, on JAX: a multiply-add for each pixel of the window.

    Forward + backward it takes .07 to .4 of the time of JAX' grouped convolution, but on
    TensorFlow 13 to 39 times that of its own (3×3 windows of 32 to 960 channels).
    """
    sizes, window = inputs.shape[1:3], layer.kernel.shape[:2]
    reach = [(n - 1) * rate + 1 for n, rate in zip(window, layer.dilation_rate, strict=True)]
    # In half precision so many sums would lose too much.
    fits = layer.data_format == "channels_last" and inputs.dtype in ("float32", "float64")
    if not fits or not _are_cut_out(layer, sizes, reach):
        return type(layer).call(layer, inputs)
    kernel = ops.convert_to_tensor(layer.kernel)
    channels, multiplier = kernel.shape[2:]
    weights = ops.reshape(kernel, (-1, channels * multiplier))
    outputs = 0
    for number, patch in enumerate(_patches(layer, inputs, window)):
        patch = patch if multiplier == 1 else ops.repeat(patch, multiplier, axis=-1)
        outputs = outputs + patch * weights[number]
    outputs = outputs + layer.bias if layer.use_bias else outputs
    return outputs if layer.activation is None else layer.activation(outputs)


def same_padding(size, window, stride, rate=1):
    """Pixels that "same" adds before and behind an axis."""
    reach = (window - 1) * rate
    # Of a stride of one not by the size, which need not be a number where a model is exported.
    total = reach if stride == 1 else max(0, (-(-size // stride) - 1) * stride + reach + 1 - size)
    return total // 2, total - total // 2
