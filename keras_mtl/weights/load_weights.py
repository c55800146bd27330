"""Published checkpoints of other frameworks, written into Keras models."""

import math
import pathlib
from collections.abc import Callable, Collection, Mapping

import keras
import numpy as np

from keras_mtl._types import Array, PathLike
from keras_mtl.weights._hint import hint
from keras_mtl.weights._kinds import ENDS, kind
from keras_mtl.weights._prefixes import spellings
from keras_mtl.weights._shown import shown
from keras_mtl.weights.fetch import fetch
from keras_mtl.weights.read_caffemodel import read_layers
from keras_mtl.weights.read_safetensors import safetensors_arrays
from keras_mtl.weights.read_torch import torch_arrays

PARAMETERS = ("weight", "bias", "running_mean", "running_var")
"""What a module of PyTorch may hold, in the order of the weights of Keras' layers."""

READ = {"torch": torch_arrays, "safetensors": safetensors_arrays}
"""What reads a file with PyTorch's names, by its kind."""


def load_weights(
    model: keras.Model,
    weights: PathLike,
    *,
    torch_names: Mapping[str, str] | None = None,
    caffe_names: Collection[str] | None = None,
    flattened: Mapping[str, tuple[int, int]] | None = None,
    kernels: Mapping[str, Callable[[Array], Array]] | None = None,
) -> None:
    """Loads weights into a model from a file of Keras or of another framework.

    The end of the name tells them apart: `.weights.h5` and `.keras` are Keras' own, `.caffemodel`
    Caffe's, `.pth`, `.pt`, `.pth.tar`, `.ckpt` and `.bin` PyTorch's, and `.safetensors` has
    PyTorch's names and layouts; what stands before all of them is taken off, as by `read_torch`.
    Keras' own files are matched to the model as Keras does it. Of another framework's file every
    layer that has weights and is named in `torch_names` or `caffe_names` is filled, transposed to
    Keras' layout; layers that are not named are left as they are, such as those in front of a
    network.

    What a file has for named layers that the model lacks, such as a classifier, is left. What else
    it has is of another network: PyTorch's files are refused then, Caffe's if the layers that the
    model has too stand in another order. A file that does not fit leaves the model as it was.

    Convolutions (grouped and depthwise too), fully connected layers and batch normalisation are
    known; the latter not from Caffe. A fully connected layer may be a convolution in the model, and
    the other way round.

    Args:
        model: a functional Keras model, or any for files of Keras.
        weights: path of the file, or its URL with its hash, as of `fetch`.
        torch_names: dict from the names of the layers to those of PyTorch's modules; `None` for a
            network of which there are no such files.
        caffe_names: names of the layers that Caffe's files have weights for, there as in the model;
            `None` for a network of which there are no such files.
        flattened: dict from the names of `Dense` layers that come behind a flattened map to its
            `(height, width)`. Other frameworks flatten the channels first.
        kernels: dict from the names of layers to functions of their kernel as the checkpoint has
            it, (filters, channels, height, width), for what the model does to its input.

    Raises:
        FileNotFoundError: there is no such file.
        ImportError: a package is missing that reads the file.
        OSError: the file could not be downloaded.
        ValueError: a file of this kind does not belong to the network, is damaged, lacks a layer,
            has one of another shape, or is of another network.

    Example:

    ```python
    image = keras.Input((32, 32, 3))
    net = keras.Model(image, keras.layers.Conv2D(64, 11, name="conv1")(image))
    load_weights(net, "stem.pth", torch_names={"conv1": "features.0"})
    ```
    """
    weights = fetch(weights)
    of_torch = [end for each in READ for end in ENDS[each]]
    kinds = " or ".join(
        [
            "of Keras (.weights.h5, .keras)",
            *(["of Caffe (.caffemodel)"] if caffe_names is not None else []),
            *([f"of PyTorch ({', '.join(of_torch)})"] if torch_names is not None else []),
        ]
    )
    if not pathlib.Path(weights).is_file():
        raise FileNotFoundError(
            f"`weights` must be the path or URL of a file {kinds}, for {model.name!r} has none "
            f"that are known by a name. Received: {str(weights)!r}, which is no file."
        )
    of_kind = kind(weights)
    if of_kind == "keras":
        _load_keras(model, weights)
        return
    if of_kind == "caffe" and caffe_names is not None:
        names, arrays = caffe_names, _from_caffe(model, weights)
    elif of_kind in READ and torch_names is not None:
        names, arrays = torch_names, _from_torch(model, weights, torch_names, READ[of_kind])
    else:
        raise ValueError(
            f"`weights` must be a file {kinds} for {model.name!r}. Received: {str(weights)!r}."
        )
    layers = [layer for layer in model.layers if layer.weights and layer.name in names]
    missing = [layer.name for layer in layers if layer.name not in arrays]
    if not layers:
        raise ValueError(
            f"`model` must have layers that are named: {shown(names)}. Received: {model.name!r}."
        )
    if missing:
        raise ValueError(
            f"`weights` must hold all layers of {model.name!r}. {str(weights)!r} has none for "
            f"{shown(missing)}; it has {shown(arrays)}."
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
                f"of {model.name!r}. {str(weights)!r} has {[array.shape for array in found]}."
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


def _load_keras(model, weights):
    before = model.get_weights()
    try:
        model.load_weights(weights)
    except MemoryError:
        model.set_weights(before)
        raise
    except Exception as error:  # Of many kinds; layers before the one that fails are filled.
        model.set_weights(before)
        raise ValueError(
            f"`weights` must be a file of Keras that fits {model.name!r}. "
            f"Received: {str(weights)!r}.{hint(weights)} Keras says: {str(error)[:300]}"
        ) from error


def _from_caffe(model, weights):
    """A dict from the names of the file's layers to their arrays."""
    layers = read_layers(weights)
    ours = [layer.name for layer in model.layers if layer.name in layers]
    theirs = [name for name in layers if name in set(ours)]
    for name, other in zip(ours, theirs, strict=True):
        if name != other:
            raise ValueError(
                f"`weights` must have its layers in the order of {model.name!r}, or it is of "
                f"another network. {str(weights)!r} has {other!r} before {name!r}."
            )
    return {name: arrays for name, arrays in layers.items() if arrays}


def _from_torch(model, weights, names, read):
    """A dict from the names of our layers to the arrays that the file has for them."""
    keys = {name: [f"{module}.{part}" for part in PARAMETERS] for name, module in names.items()}
    known = {key for of_layer in keys.values() for key in of_layer}
    # A network may itself be called by what stands before names, as an `nn.Sequential` named `net`.
    spelled = list(spellings(read(weights)))
    arrays = next((each for each in spelled if known & each.keys()), spelled[0])
    others = [
        key for key in arrays if key not in known and not key.endswith(".num_batches_tracked")
    ]
    if others:
        raise ValueError(
            f"`weights` must hold the layers of {model.name!r} and no others, in PyTorch's names "
            f"{shown(names.values())}. {str(weights)!r} has also {shown(others)}."
        )
    found = {
        name: [arrays[key] for key in of_layer if key in arrays] for name, of_layer in keys.items()
    }
    return {name: of_layer for name, of_layer in found.items() if of_layer}


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
