"""What layers compute, by PyTorch's own kernels: each function stands for a `call` of its layer.

Keras' operations on PyTorch copy the map of every convolution and pooling into another order of
axes, transpose every kernel, and put batch normalization together of small operations. But a map
(batch, height, width, channels), seen as (batch, channels, height, width), already lies in memory
as PyTorch's kernels want it. `benchmarks/towers.py` measures what that is worth.
"""

import keras
import torch
from keras import ops
from torch.nn import functional

from keras_mtl.layers import CeilMaxPooling2D
from keras_mtl.speed._ops import same_padding

# Keras takes half precision through float32 in some operations, and refuses it in others.
PRECISE = (torch.float32, torch.float64)


def convolution(layer, inputs):
    """As `Conv2D.call`."""
    kernel = ops.convert_to_tensor(layer.kernel).permute(3, 2, 0, 1)
    return _convolved(layer, inputs, _as_read(kernel), layer.groups)


def depthwise_convolution(layer, inputs):
    """As `DepthwiseConv2D.call`."""
    kernel = ops.convert_to_tensor(layer.kernel).permute(2, 3, 0, 1)
    return _convolved(layer, inputs, kernel.flatten(0, 1)[:, None], kernel.shape[0])


def separable_convolution(layer, inputs):
    """As `SeparableConv2D.call`."""
    kernel = ops.convert_to_tensor(layer.depthwise_kernel).permute(2, 3, 0, 1)
    pointwise = ops.convert_to_tensor(layer.pointwise_kernel).permute(3, 2, 0, 1)
    return _convolved(
        layer, inputs, kernel.flatten(0, 1)[:, None], kernel.shape[0], _as_read(pointwise)
    )


def _convolved(layer, inputs, kernel, groups, pointwise=None):
    """Outputs of a convolution whose kernel is (outputs, inputs of a group, height, width)."""
    bias = ops.convert_to_tensor(layer.bias) if layer.use_bias else None
    x, padding = _padded(layer, inputs, kernel.shape[2:], layer.dilation_rate, 0.0)
    first = bias if pointwise is None else None
    x = functional.conv2d(x, kernel, first, layer.strides, padding, layer.dilation_rate, groups)
    if pointwise is not None:
        x = functional.conv2d(x, pointwise, bias)
    return _activated(layer, _as_inputs(layer, x))


def _as_read(kernel):
    """The kernel with exactly these strides, without which PyTorch's slower convolution fails."""
    _, channels, height, width = kernel.shape
    strides = (height * width * channels, 1, width * channels, channels)
    is_read = kernel.stride() == strides
    return kernel if is_read else kernel.clone(memory_format=torch.channels_last)


def _activated(layer, x):
    return x if layer.activation is None else layer.activation(x)


def max_pooling(layer, inputs):
    """As `MaxPooling2D.call`."""
    if inputs.dtype not in PRECISE:
        return type(layer).call(layer, inputs)
    x, padding = _padded(layer, inputs, layer.pool_size, (1, 1), float("-inf"))
    return _as_inputs(layer, functional.max_pool2d(x, layer.pool_size, layer.strides, padding))


def ceil_max_pooling(layer, inputs):
    """As `CeilMaxPooling2D.call`."""
    if inputs.dtype not in PRECISE or 2 * layer.padding > layer.pool_size:
        return type(layer).call(layer, inputs)
    x = _channels_first(inputs)
    x = functional.max_pool2d(x, layer.pool_size, layer.strides, layer.padding, ceil_mode=True)
    return x.permute(0, 2, 3, 1)


def average_pooling(layer, inputs):
    """As `AveragePooling2D.call`."""
    x = inputs if layer.data_format == "channels_first" else _channels_first(inputs)
    pads = _pads(layer, x, layer.pool_size, (1, 1))
    if inputs.dtype not in PRECISE or any(before != behind for before, behind in pads):
        return type(layer).call(layer, inputs)
    x = functional.avg_pool2d(
        x, layer.pool_size, layer.strides, [n for n, _ in pads], count_include_pad=False
    )
    return _as_inputs(layer, x)


def batch_normalization(layer, inputs, training=None, mask=None):
    """As `BatchNormalization.call`."""
    last = inputs.ndim - 1
    is_plain = mask is None and not layer.renorm and not layer.synchronized
    fits = last in (1, 3) and layer.axis in (1, -1, last) and _in_one_precision(layer, inputs)
    count = inputs.numel() // max(1, inputs.shape[layer.axis])
    # PyTorch has no variance of one number, and nothing without an epsilon.
    if not (is_plain and fits and count > 1 and layer.epsilon > 0):
        return type(layer).call(layer, inputs, training=training, mask=mask)
    is_map = last == 3 and layer.axis != 1
    x = _channels_first(inputs) if is_map else inputs
    gamma = ops.convert_to_tensor(layer.gamma) if layer.scale else None
    beta = ops.convert_to_tensor(layer.beta) if layer.center else None
    mean = ops.convert_to_tensor(layer.moving_mean)
    variance = ops.convert_to_tensor(layer.moving_variance)
    if training and layer.trainable:
        of_batch, of_sample = torch.zeros_like(mean), torch.zeros_like(variance)
        x = functional.batch_norm(
            x, of_batch, of_sample, gamma, beta, training=True, momentum=1.0, eps=layer.epsilon
        )
        with torch.no_grad():
            # PyTorch's running variance is that of a sample: n / (n - 1) of this.
            variance_of_batch = of_sample * ((count - 1) / count)
            layer.moving_mean.assign(mean.lerp(of_batch, 1 - layer.momentum))
            layer.moving_variance.assign(variance.lerp(variance_of_batch, 1 - layer.momentum))
    else:
        x = functional.batch_norm(x, mean, variance, gamma, beta, eps=layer.epsilon)
    return x.permute(0, 2, 3, 1) if is_map else x


def _in_one_precision(layer, inputs):
    """Whether inputs, weights and outputs are of one, and PyTorch's kernel is precise."""
    dtype = keras.backend.standardize_dtype(inputs.dtype)
    return inputs.dtype in PRECISE and dtype == layer.compute_dtype == layer.variable_dtype


def _channels_first(inputs):
    """A map as (batch, channels, height, width): a view of what lies in memory as ever."""
    return inputs.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def _as_inputs(layer, x):
    return x if layer.data_format == "channels_first" else x.permute(0, 2, 3, 1)


def _padded(layer, inputs, window, dilation, value):
    """The map as PyTorch wants it, and the padding that is left to the kernel.

    That can be no other than the same on both sides.
    """
    x = inputs if layer.data_format == "channels_first" else _channels_first(inputs)
    (top, bottom), (left, right) = _pads(layer, x, window, dilation)
    if top == bottom and left == right:
        return x, (top, left)
    return functional.pad(x, (left, right, top, bottom), value=value), (0, 0)


def _pads(layer, x, window, dilation):
    if layer.padding.lower() != "same":  # As Keras takes it, in any case.
        return [(0, 0), (0, 0)]
    axes = zip(x.shape[2:], window, layer.strides, dilation, strict=True)
    return [same_padding(*axis) for axis in axes]


CALLS = {
    keras.layers.AveragePooling2D: average_pooling,
    keras.layers.BatchNormalization: batch_normalization,
    keras.layers.Conv2D: convolution,
    keras.layers.DepthwiseConv2D: depthwise_convolution,
    keras.layers.MaxPooling2D: max_pooling,
    keras.layers.SeparableConv2D: separable_convolution,
    CeilMaxPooling2D: ceil_max_pooling,
}

# In which order PyTorch's convolution reads the axes of a kernel, by the attribute that holds it.
DENSE, BY_CHANNEL = (3, 0, 1, 2), (2, 3, 0, 1)
READ_AS = {
    keras.layers.Conv2D: {"_kernel": DENSE},
    keras.layers.DepthwiseConv2D: {"kernel": BY_CHANNEL},
    keras.layers.SeparableConv2D: {"depthwise_kernel": BY_CHANNEL, "pointwise_kernel": DENSE},
}


def lay_out(layer):
    """Has kernels lie in memory as the convolution reads them; shapes and numbers stay.

    Else they would be transposed for every pass. As they lie, the convolution is also faster than
    a product of patches for AlexNet's fc6: the stitched step of CaffeNet-FCN takes .80 of the time.
    """
    for name, order in READ_AS.get(type(layer), {}).items():
        tensor = getattr(layer, name)._value
        if tensor is None:
            continue
        back = [order.index(axis) for axis in range(4)]
        # Not `contiguous`, which leaves the stride of an axis of one as it is.
        ordered = tensor.data.permute(order).clone(memory_format=torch.contiguous_format)
        tensor.data = ordered.permute(back)


def keep_order(optimizer):
    """Has what an optimizer is to keep of a kernel, such as its momentum, lie as the kernel does.

    An update of numbers in two orders at once takes several times as long.
    """
    name = "add_variable_from_reference"
    if name in vars(optimizer):
        return
    add = getattr(optimizer, name)

    def add_in_order(reference_variable, *args, **kwargs):
        state = add(reference_variable, *args, **kwargs)
        kernel, tensor = reference_variable.value, state.value
        if tensor.shape == kernel.shape and tensor.stride() != kernel.stride():
            tensor.data = torch.empty_like(kernel, dtype=tensor.dtype).copy_(tensor.data)
        return state

    setattr(optimizer, name, add_in_order)
