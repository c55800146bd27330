"""Layers in the spelling that is fastest on the CPU."""

import types
from collections.abc import Callable
from typing import Any

import keras

from keras_mtl.graphs.layers_within import layers_within
from keras_mtl.speed._backend import backend, on_the_cpu, torch_kernels
from keras_mtl.speed._ops import convolution_op, depthwise_convolution

# What stands for which method of which layers, on backends other than PyTorch.
IN_OPS: dict[str, dict[type, tuple[str, Callable[..., Any]]]] = {
    "jax": {
        keras.layers.Conv2D: ("convolution_op", convolution_op),
        keras.layers.DepthwiseConv2D: ("call", depthwise_convolution),
    },
    "tensorflow": {keras.layers.Conv2D: ("convolution_op", convolution_op)},
}


def speed_up(model: keras.Model) -> keras.Model:
    """Has a network's layers run in the spelling that is fastest on the CPU.

    On PyTorch these are its own kernels, without the copies that Keras' operations make:
    convolutions, plain, depthwise and separable, pooling and batch normalization of maps. On JAX
    and TensorFlow convolutions are products of matrices for windows of one pixel and for large
    kernels on maps that are much smaller, and one a group; on JAX depthwise ones are a multiply-add
    a pixel of the window. Where anything else computes, such as a GPU, nothing is changed.

    The layers stay what they are, with their classes, configurations, weights and files; a copy of
    the model, and one from its file, runs as Keras has it. Layers of subclasses are left alone.
    Results are equal to some 1e-6, to 1e-5 where a product stands for a convolution.

    Args:
        model: a Keras model or layer, changed in place. A `MultiTaskModel` is sped up already,
            unless its tower is `Tower(fast=False)`; what `modulate` and `fold` make is as fast as
            what they are given.

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
    kernels = torch_kernels("_torch")
    if kernels is None:
        methods = IN_OPS.get(backend(), {})
    else:
        methods = {kind: ("call", call) for kind, call in kernels.CALLS.items()}
    for layer in layers_within(model):
        if type(layer) in methods:
            name, method = methods[type(layer)]
            setattr(layer, name, types.MethodType(method, layer))
    return model


def sped_up_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers of a model, or the layer itself, that have been sped up."""
    methods = {"call", "convolution_op"}
    return [each for each in layers_within(model) if methods & vars(each).keys()]
