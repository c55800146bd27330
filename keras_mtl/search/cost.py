"""What a model costs: its parameters and the multiplications of its forward pass."""

import inspect
import math
from collections.abc import Sequence
from typing import NamedTuple

import keras

from keras_mtl.graphs.functional_models import as_functional
from keras_mtl.search._layer_macs import layer_macs


class Cost(NamedTuple):
    """Number of `parameters` and of multiply-accumulates (`macs`) of one example."""

    parameters: int
    macs: int


def cost(
    model: keras.Model, input_shape: Sequence[int] | Sequence[Sequence[int]] | None = None
) -> Cost:
    """Counts a model's parameters and the multiply-accumulates (MACs) of its forward pass.

    A weight counts once, however often it is used; its MACs count at every call. By the convention
    of the field only products with weights count, and those between activations that attention
    makes: element-wise layers, pooling, normalisation, biases and resizing are free. A layer counts
    by its definition, whatever product of matrices or of groups it is computed by.

    Nothing is run and no weight is read: the shapes alone are traced through the graph. Known are
    Keras' convolutions, `Dense`, `EinsumDense`, `MultiHeadAttention` and models of known layers.
    Any other layer says it itself by a method `macs(input_shape)`, which is asked first: it takes
    the shape (or list, or dict, of shapes) of the first argument of `call`, with a batch axis of 1
    in front, and returns the MACs of that call.

    Args:
        model: a functional (or built sequential) Keras model, such as a `MultiTaskModel`.
        input_shape: the input's shape without the batch axis, such as `(height, width, channels)`
            in pixels; for several inputs a list of them in the order of `model.inputs`. The
            model's own if `None`.

    Returns:
        A named tuple `(parameters, macs)`.

    Raises:
        TypeError: `model` is not a functional model.
        ValueError: a size of the input is unknown, or `input_shape` does not fit the model; a layer
            that is not known has weights of two axes or more and no method `macs`.

    Example:

    >>> import keras, keras_mtl
    >>> image = keras.Input((8, 8, 3))
    >>> model = keras.Model(image, keras.layers.Conv2D(4, 3, padding="same")(image))
    >>> keras_mtl.search.cost(model)
    Cost(parameters=112, macs=6912)
    """
    model = as_functional(model)
    _, macs = _trace(model, _one_example(model, input_shape))
    parameters = sum(math.prod(weight.shape) for weight in model.weights)
    return Cost(parameters, macs)


def macs_before(model):
    """For each layer of a functional model what it and all that run before it multiply."""
    counts = {}
    _trace_graph(model, _one_example(model), lambda name, total: counts.update({name: total}))
    return counts


def _one_example(model, input_shape=None):
    """Symbolic inputs of one example: layers may fold positions into the batch axis."""
    inputs = [
        keras.KerasTensor((1, *shape), dtype=x.dtype)
        for shape, x in zip(_input_shapes(model, input_shape), model.inputs, strict=True)
    ]
    return inputs if len(inputs) > 1 else inputs[0]


def _input_shapes(model, input_shape):
    """The shape of every input, all sizes known."""
    own = [tuple(x.shape[1:]) for x in model.inputs]
    if input_shape is None:
        shapes = own
    else:
        shapes = [tuple(x) for x in (input_shape if len(own) > 1 else [input_shape])]
    fits = len(shapes) == len(own) and all(
        len(shape) == len(ours)
        and all(n in (size, None) for n, size in zip(ours, shape, strict=True))
        for shape, ours in zip(shapes, own, strict=True)
    )
    if not fits or any(size is None for shape in shapes for size in shape):
        raise ValueError(
            "`input_shape` must give all sizes of the model's input but the batch axis, as far as "
            f"the model leaves them open: {own if len(own) > 1 else own[0]}. "
            f"Received: input_shape={input_shape}."
        )
    return shapes


def _trace(operation, *args, **kwargs):
    """The symbolic outputs of one call of a layer, model or operation, and the call's MACs."""
    if not hasattr(operation, "macs") and isinstance(operation, keras.Sequential):
        tensor, total = args[0], 0
        for layer in operation.layers:
            tensor, macs = _trace(layer, tensor)
            total += macs
        return tensor, total
    if not hasattr(operation, "macs") and isinstance(operation, keras.Function):
        return _trace_graph(operation, args[0])
    shapes = _shapes_of_arguments(operation, args, kwargs)
    return operation.compute_output_spec(*args, **kwargs), layer_macs(operation, **shapes)


def _trace_graph(model, inputs, after=lambda name, total: None):
    total = 0

    def counted(operation):
        def call(*args, **kwargs):
            nonlocal total
            outputs, macs = _trace(operation, *args, **kwargs)
            total += macs
            after(operation.name, total)
            return outputs

        return call

    return model._run_through_graph(inputs, operation_fn=counted), total


def _shapes_of_arguments(operation, args, kwargs):
    """The shapes of those arguments of `call` that hold tensors, by name and in its order."""
    arguments = inspect.signature(operation.call).bind(*args, **kwargs).arguments
    return {
        name: keras.tree.map_structure(lambda x: tuple(x.shape), value)
        for name, value in arguments.items()
        if _holds_tensors(value)
    }


def _holds_tensors(value):
    leaves = keras.tree.flatten(value)
    return bool(leaves) and all(isinstance(leaf, keras.KerasTensor) for leaf in leaves)
