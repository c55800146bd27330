"""Published checkpoints of other frameworks, written into Keras models."""

import math
import pathlib

import keras
import numpy as np

from keras_mtl.weights.is_foreign import is_foreign
from keras_mtl.weights.read_caffemodel import read_caffemodel
from keras_mtl.weights.read_safetensors import read_safetensors
from keras_mtl.weights.read_torch import read_torch

PARAMETERS = ("weight", "bias", "running_mean", "running_var")
"""What a module of PyTorch may hold, in the order of the weights of Keras' layers."""


def load_weights(model, path, *, torch_names=None, caffe=False, flattened=None, kernels=None):
    """Loads weights into a model from a file of Keras or of another framework.

    The suffix tells them apart: `.caffemodel`, `.pth` and `.pt` (PyTorch), `.safetensors` (with
    PyTorch's names and layouts), and any other for Keras. Of another framework's file every layer
    that has weights is filled, transposed to Keras' layout; what else the file holds, such as a
    classifier that the model lacks, is left. All shapes are checked before the first weight is
    written: a file that does not fit leaves the model as it was.

    Convolutions (grouped and depthwise too), fully connected layers and batch normalisation are
    known; the latter not from Caffe. A fully connected layer may be a convolution in the model, and
    the other way round.

    Args:
        model: a functional Keras model.
        path: path of the file.
        torch_names: dict from the names of the layers to those of PyTorch's modules; `None` for a
            network of which there are no such files.
        caffe: whether there are Caffe's files of the network; their layers have the model's names.
        flattened: dict from the names of `Dense` layers that come behind a flattened map to its
            `(height, width)`. Other frameworks flatten the channels first.
        kernels: dict from the names of layers to functions of their kernel as the checkpoint has
            it, (filters, channels, height, width), for what the model does to its input.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: a package is missing that reads the file.
        ValueError: a file of this kind does not belong to the network, is damaged, lacks a layer,
            or has one of another shape.

    Example:

    ```python
    image = keras.Input((32, 32, 3))
    net = keras.Model(image, keras.layers.Conv2D(64, 11, name="conv1")(image))
    load_weights(net, "alexnet.pth", torch_names={"conv1": "features.0"})
    ```
    """
    if not pathlib.Path(path).is_file():
        raise FileNotFoundError(f"`weights` must be the path of a file. Received: {str(path)!r}.")
    if not is_foreign(path):
        model.load_weights(path)
        return
    arrays = _read(model, path, torch_names, caffe)
    layers = [layer for layer in model.layers if layer.weights]
    missing = [layer.name for layer in layers if not arrays.get(layer.name)]
    if missing:
        raise ValueError(
            f"`weights` must hold all layers of {model.name!r}. {str(path)!r} has none for "
            f"{missing}; it has {[name for name in arrays if arrays[name]]}."
        )
    flattened, kernels = flattened or {}, kernels or {}
    values = {}
    for layer in layers:
        found = arrays[layer.name]
        map_size = flattened.get(layer.name, (1, 1))
        shapes = [_foreign_shape(layer, weight.shape, map_size) for weight in layer.weights]
        if len(found) != len(shapes) or not all(map(_fits, found, shapes)):
            expected = [
                # A fully connected layer as checkpoints have it, not as a convolution.
                (shape[0], math.prod(shape[1:])) if len(weight.shape) == 2 else shape
                for shape, weight in zip(shapes, layer.weights, strict=True)
            ]
            raise ValueError(
                f"`weights` must have arrays of the shapes {expected} for the layer {layer.name!r} "
                f"of {model.name!r}. {str(path)!r} has {[array.shape for array in found]}."
            )
        found = [array.reshape(shape) for array, shape in zip(found, shapes, strict=True)]
        if layer.name in kernels:
            found[0] = kernels[layer.name](found[0])
        values[layer] = [
            _transposed(array).reshape(weight.shape)
            for array, weight in zip(found, layer.weights, strict=True)
        ]
    for layer, found in values.items():
        layer.set_weights(found)


def _read(model, path, torch_names, caffe):
    """A dict from the names of layers to what the file has for them."""
    suffix = pathlib.Path(path).suffix.lower()
    if suffix == ".caffemodel" and caffe:
        return read_caffemodel(path)
    if suffix != ".caffemodel" and torch_names is not None:
        read = read_safetensors if suffix == ".safetensors" else read_torch
        return _by_layer(read(path), torch_names)
    kinds = [
        "of Keras (.weights.h5, .keras)",
        *(["of Caffe (.caffemodel)"] if caffe else []),
        *(["of PyTorch (.pth, .pt, .safetensors)"] if torch_names is not None else []),
    ]
    raise ValueError(
        f"`weights` must be a file {' or '.join(kinds)} for {model.name!r}. "
        f"Received: {str(path)!r}."
    )


def _by_layer(arrays, names):
    """The arrays of each of our layers, which are named by PyTorch's module and parameter."""
    found = {
        name: [arrays[key] for part in PARAMETERS if (key := f"{module}.{part}") in arrays]
        for name, module in names.items()
    }
    return {name: arrays for name, arrays in found.items() if arrays}


def _foreign_shape(layer, shape, map_size):
    """The shape of a weight in a checkpoint; of kernels always that of a convolution's."""
    if len(shape) == 2:  # A fully connected layer is a convolution as large as the map.
        inputs, units = shape
        return (units, inputs // math.prod(map_size), *map_size)
    if len(shape) == 4:
        height, width, channels, filters = shape
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            channels, filters = 1, channels * filters
        return (filters, channels, height, width)
    return tuple(shape)


def _fits(array, shape):
    """Whether an array has the shape, in one of the spellings of checkpoints.

    A fully connected layer's kernel is (units, inputs). Caffe's oldest files have four axes
    whatever the array, the first ones of length 1.
    """
    spellings = {shape, (shape[0], math.prod(shape[1:]))} if len(shape) == 4 else {shape}
    spellings |= {(1,) * (4 - len(spelling)) + spelling for spelling in spellings}
    return array.shape in spellings


def _transposed(array):
    """From (filters, channels, height, width) to (height, width, channels, filters)."""
    return np.transpose(array, (2, 3, 1, 0)) if array.ndim == 4 else array
