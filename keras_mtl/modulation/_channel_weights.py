"""Factors on the channels of a layer's input or output, as a change of its weights."""

import numpy as np
from keras import layers, ops

# Layers of exactly these classes: a subclass may do another thing with its weights.
CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
WEIGHTED = (*CONVOLUTIONS, *DEPTHWISE, *SEPARABLE, *TRANSPOSED, layers.Dense)


def takes_output_factors(layer, commutes):
    """Whether a layer's weights can multiply the channels of its output.

    Args:
        layer: a Keras layer.
        commutes: function that says of an activation whether the factors may go before it.
    """
    if type(layer) in WEIGHTED:
        return _is_plain(layer) and commutes(layer.activation)
    return type(layer) is layers.BatchNormalization


def takes_input_factors(layer):
    """Whether a layer's weights can multiply the channels of its input."""
    if type(layer) in CONVOLUTIONS and layer.groups > 1:
        return False
    return type(layer) in (*WEIGHTED, layers.BatchNormalization) and _is_plain(layer)


def scale_outputs(layer, factors):
    """Multiplies the channels of what a layer puts out, before its activation."""
    if type(layer) is layers.BatchNormalization:
        _scale(layer.gamma, factors)
        _scale(layer.beta, factors)
        return
    if type(layer) in DEPTHWISE:
        # The output's channels are the kernel's last two axes.
        kernel = layer.kernel
        _scale(kernel, np.reshape(factors, kernel.shape[-2:]))
    elif type(layer) in SEPARABLE:
        _scale(layer.pointwise_kernel, factors)
    elif type(layer) in TRANSPOSED:
        _scale(layer.kernel, factors[:, None])
    else:
        _scale(layer.kernel, factors)
    _scale(layer.bias, factors)


def scale_inputs(layer, factors):
    """Makes a layer answer as if the channels of its input had been multiplied."""
    if type(layer) is layers.BatchNormalization:
        _scale_normalized(layer, factors)
    elif type(layer) in SEPARABLE:
        _scale(layer.depthwise_kernel, factors[:, None])
    elif type(layer) in TRANSPOSED:
        _scale(layer.kernel, factors)
    else:
        _scale(layer.kernel, factors[:, None])


def with_all_weights(layer):
    """The configuration of a layer in which nothing is missing that factors change."""
    config = layer.get_config()
    if type(layer) is layers.BatchNormalization:
        if not layer.center:
            config.update(center=True, beta_initializer="zeros")
        if not layer.scale:
            config.update(scale=True, gamma_initializer="ones")
    return config


def _is_plain(layer):
    """Whether the weights act as they are: a quantized or low-rank kernel is made of several."""
    return not getattr(layer, "lora_enabled", False) and layer.quantization_mode is None


def _scale_normalized(layer, factors):
    mean = ops.convert_to_numpy(layer.moving_mean)
    deviation = np.sqrt(ops.convert_to_numpy(layer.moving_variance) + layer.epsilon)
    gamma = ops.convert_to_numpy(layer.gamma)
    # gamma (f x - mean) / deviation, written with f gamma as the factor of x.
    moved = gamma * mean * (factors - 1) / deviation
    layer.beta.assign(ops.convert_to_numpy(layer.beta) + moved)
    _scale(layer.gamma, factors)


def _scale(weight, factors):
    if weight is not None:
        weight.assign(ops.convert_to_numpy(weight) * factors)
