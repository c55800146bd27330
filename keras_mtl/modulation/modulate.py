"""Gates for several tasks in any functional model."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_mtl._checks import check_integer, names
from keras_mtl.graphs.channel_axis import channel_axis
from keras_mtl.graphs.copied_layers import CopiedLayers
from keras_mtl.graphs.functional_models import as_functional, fresh_inputs
from keras_mtl.layers import ModulationGate
from keras_mtl.sharing.modulated import gate_name
from keras_mtl.sharing.sharing import features_dtype
from keras_mtl.speed import sped_up_layers, speed_up

TASK = "task"
"""Name of the input with the tasks."""


def modulate(
    model: keras.Model,
    num_tasks: int,
    after: str | Iterable[str],
    *,
    name: str | None = None,
    **options: Any,
) -> keras.Model:
    """Puts a `ModulationGate` behind layers of a model, with a row for each task.

    The result takes one input more, the tasks of the examples, and is a copy: it starts with the
    model's weights, and with gates of one gives the model's outputs, whatever the task.

    For networks with an output for every task, see `keras_mtl.sharing.Modulated`.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018.

    Args:
        model: a functional (or built sequential) Keras model.
        num_tasks: number of tasks T.
        after: name or names of the layers whose output is gated, for all that read it; a layer
            within a nested model is not found. With none the task is not read.
        name: name of the result; `modulated_<model>`, say, if `None`.
        **options: of the `ModulationGate`s: `per_channel`, `relu`, `axis`, `initializer`,
            `regularizer`, `learning_rate_multiplier`.

    Returns:
        A `keras.Model` of the model's inputs, in a list (or dict, if they are), and then the tasks:
        `model([images, tasks])`, tasks integers (batch,) from 0 to T - 1; other numbers are errors,
        but on JAX make NaN. That input is called "task", the gates `gate_<layer>`.

    Raises:
        TypeError: `model` is not a functional model.
        ValueError: a layer is unknown (the known ones are listed) or has several outputs; the model
            has an input called "task".

    Example:

    >>> import keras, keras_mtl
    >>> net = keras.applications.MobileNetV2((32, 32, 3), weights=None, alpha=0.35, classes=10)
    >>> model = keras_mtl.modulate(net, num_tasks=3, after=["block_12_add", "block_16_project_BN"])
    >>> [tuple(x.shape) for x in model.inputs]
    [(None, 32, 32, 3), (None,)]
    >>> model.count_params() - net.count_params()
    432
    """
    model = as_functional(model)
    num_tasks, after = check_integer("num_tasks", num_tasks, 1), _checked_after(model, after)
    inputs = fresh_inputs(model)
    task = keras.Input((), dtype="int32", name=TASK)
    copies, gates = CopiedLayers(), {}

    def call(operation, *args, **kwargs):
        output = copies(operation, *args, **kwargs)
        if operation.name not in after:
            return output
        if not isinstance(output, keras.KerasTensor):
            raise ValueError(
                f"`after` must name layers with one output. Received: {operation.name!r}."
            )
        if operation.name not in gates:
            dtype = features_dtype(output)
            name = gate_name(operation.name)
            axis = {"axis": channel_axis(output), **options}
            gates[operation.name] = ModulationGate(num_tasks, name=name, dtype=dtype, **axis)
        return gates[operation.name](output, task)

    outputs = model._run_through_graph(inputs, call_fn=call)
    if isinstance(inputs, dict):
        with_task = {**inputs, TASK: task}
    else:
        with_task = [*keras.tree.flatten(inputs), task]
    modulated = keras.Model(with_task, outputs, name=name or f"modulated_{model.name}")
    return speed_up(modulated) if sped_up_layers(model) else modulated


def _checked_after(model, after):
    known = [layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    after = names(after, "after")
    unknown = [name for name in after if name not in known]
    if unknown:
        raise ValueError(
            f"`after` must name layers of the model. Received: {unknown}. Known layers: {known}."
        )
    if any(x.name == TASK for x in model.inputs):
        raise ValueError(f"`model` must have no input called {TASK!r}, which is to be added.")
    return after
