"""The inputs and the outputs of a model, and their names."""

import re

import keras


def inputs_like(model, tasks=()):
    """New inputs of a functional model; a single one that Keras has named is called "inputs".

    Of a model with one input there may be one for each of some tasks, by their names.
    """
    if tasks:
        (x,) = model.inputs
        return [keras.Input(x.shape[1:], dtype=x.dtype, name=task) for task in tasks]
    names = [x.name for x in model.inputs]
    if len(names) == 1 and re.fullmatch(r"(input_layer|keras_tensor)\w*", names[0]):
        names = ["inputs"]
    return [
        keras.Input(x.shape[1:], dtype=x.dtype, name=name)
        for name, x in zip(names, model.inputs, strict=True)
    ]


def by_output_name(task, outputs):
    if isinstance(outputs, dict):
        return {f"{task}_{key}": x for key, x in outputs.items()}
    if not isinstance(outputs, keras.KerasTensor):
        raise ValueError(
            f"`tasks[{task!r}]` must make one tensor, or a dict of several. "
            f"Received: a {type(outputs).__name__}."
        )
    return {task: outputs}


def check_output_names(outputs):
    names = [name for of_task in outputs.values() for name in of_task]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"`tasks`: every output needs a name of its own. Received twice: {twice}.")
