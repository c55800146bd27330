"""The one form in which models are taken apart and put together again."""

import keras


def as_functional(model, one_output=False):
    """A functional model as it is, a built sequential one as a functional one.

    Args:
        model: a Keras model.
        one_output: whether it must have one output only.

    Raises:
        TypeError: `model` is another thing, or has several outputs.
    """
    is_graph = isinstance(model, keras.Model) and getattr(model, "inputs", None)
    if not is_graph or (one_output and len(model.outputs) != 1):
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
