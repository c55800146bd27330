"""Layers in the spelling that is fastest on the CPU."""

import types

import keras

from keras_mtl.graphs.layers_within import layers_within
from keras_mtl.speed._backend import by_torch, on_the_cpu
from keras_mtl.speed._patches import convolution_op


def speed_up(model: keras.Model) -> keras.Model:
    """Has a network's layers run in the spelling that is fastest on the CPU.

    On PyTorch these are its own kernels, without the copies that Keras' operations make:
    convolutions, plain and depthwise, pooling and batch normalization of maps. On every backend
    they are products of matrices for kernels larger than the maps they slide over, on JAX and
    TensorFlow for windows of one pixel, too, and a convolution a group. Where anything else
    computes, nothing is changed.

    The layers stay what they are, with their classes, configurations, weights and files; a copy of
    the model, and one from its file, runs as Keras has it. Layers of subclasses are left alone.
    Results are equal to some 1e-6, to 1e-5 where a product stands for a convolution.

    Args:
        model: a Keras model, or a layer that is built, changed in place. What `keras_mtl` builds of
            a tower is sped up without (`Tower(fast=False)`: not).

    Returns:
        The model.

    Example:

    >>> import keras, keras_mtl
    >>> model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(8, 3)])
    >>> keras_mtl.speed_up(model) is model
    True
    """
    if not on_the_cpu():
        return model
    spelling = by_torch("_torch")
    for layer in layers_within(model):
        if spelling is not None:
            spelling.speed_up(layer)
        elif type(layer) is keras.layers.Conv2D:
            layer.convolution_op = types.MethodType(convolution_op, layer)
    return model
