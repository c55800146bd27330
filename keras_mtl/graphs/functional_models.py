"""The one form in which models are taken apart and put together again."""

import inspect

import keras


def as_functional(model, one_output=False):
    """A functional model as it is, a built sequential one as a functional one.

    Args:
        model: a Keras model.
        one_output: whether it must have one output only.

    Raises:
        TypeError: `model` is another thing, or has several outputs.
    """
    if not is_graph(model) or (one_output and len(model.outputs) != 1):
        limit = " with one output" if one_output else ""
        raise TypeError(
            f"`model` must be a functional (or built sequential) Keras model{limit}. "
            f"Received: {model!r}."
        )
    if isinstance(model, keras.Sequential):
        return keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    return model


def fresh_inputs(model):
    """New inputs like a functional model's, in the structure of its own and of the same names."""
    return keras.tree.map_structure(
        lambda x: keras.Input(batch_shape=x.shape, dtype=x.dtype, name=x.name), model.input
    )


def is_graph(operation):
    """Whether an operation is a model whose calls of layers are known."""
    return isinstance(operation, keras.Model) and bool(getattr(operation, "inputs", None))


def with_inlined(model, names):
    """A functional model without those models within it that hold layers of some names.

    Args:
        model: a functional model.
        names: names of layers.

    Returns:
        A model of the same layers, or `model` itself if it holds no such models.
    """

    def is_inlined(operation):
        return is_graph(operation) and _holds(operation, names)

    if not any(is_inlined(layer) for layer in model.layers):
        return model

    def call(operation, *args, training=None, **kwargs):
        if is_inlined(operation):

            def call_inner(inner, *args, **kwargs):
                # What the model was called with holds for its layers.
                return call(inner, *args, **{"training": training, **kwargs})

            return as_functional(operation)._run_through_graph(args[0], call_fn=call_inner)
        if training is not None and "training" in inspect.signature(operation.call).parameters:
            kwargs["training"] = training
        return operation(*args, **kwargs)

    inputs = fresh_inputs(model)
    return keras.Model(inputs, model._run_through_graph(inputs, call_fn=call), name=model.name)


def _holds(model, names):
    return any(
        layer.name in names or (is_graph(layer) and _holds(layer, names)) for layer in model.layers
    )
