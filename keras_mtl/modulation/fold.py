"""One task of a modulated model as a plain model."""

import warnings

import keras
import numpy as np

from keras_mtl.graphs.copy_layer import copy_layer
from keras_mtl.graphs.copy_state import copy_state
from keras_mtl.graphs.functional_models import as_functional, fresh_inputs
from keras_mtl.modulation._channel_weights import scale_inputs, scale_outputs, with_all_weights
from keras_mtl.modulation._fold_plan import fold_plan
from keras_mtl.modulation._one_task_layers import OneTaskLayers
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing import Modulated
from keras_mtl.speed import sped_up_layers, speed_up


def fold(model: keras.Model, task: int | str, *, name: str | None = None) -> keras.Model:
    """Takes one task out of a modulated model, its gates folded into the neighbouring weights.

    The result has the layers of the network without gates, and so its speed; in inference it
    answers as the modulated model does for the task. Factors of a gate go to the layer that makes
    the gated features, or else to all layers that read them: convolutions, dense layers and batch
    normalisation, also through pooling, padding, dropout, flattening and, if they are not negative,
    ReLU. A gate of which neither is possible, such as between two sums, stays as a layer that
    multiplies; a full projection as a `Dense` on the channels; a warning names them.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018.

    Args:
        model: a model as of `keras_mtl.modulate`, or one that contains such; or a `MultiTaskModel`
            with `sharing.Modulated`.
        task: number of the task, or, of a `MultiTaskModel`, its name.
        name: name of the result; `<model>_<task>` if `None`.

    Returns:
        A functional `keras.Model` of its own weights, not compiled. It takes the model's inputs
        but the task, a single one not in a list, and has the model's outputs; of a
        `MultiTaskModel` the task's output, or a dict if it has several.

    Raises:
        TypeError: `model` is not a functional model.
        ValueError: it has no gates, or other layers than gates read the task; an unknown task.

    Example:

    >>> import keras, keras_mtl
    >>> net = keras.applications.MobileNetV2((32, 32, 3), weights=None, alpha=0.35, classes=10)
    >>> model = keras_mtl.modulate(net, num_tasks=3, after=["block_16_project_BN"])
    >>> keras_mtl.fold(model, task=2).count_params() == net.count_params()
    True
    """
    gated, factors, others = _for_one_task(model, task, name)
    plan = fold_plan(gated, factors)
    left = [*others, *(gate for gate in factors if gate not in plan)]
    if left:
        warnings.warn(
            f"No neighbouring weights can take the gates {left}: they stay as layers.",
            stacklevel=2,
        )
    folded = _folded(gated, plan)
    return speed_up(folded) if sped_up_layers(model) else folded


def _for_one_task(model, task, name):
    """A copy in which plain layers stand for the gates, without models within it.

    Returns:
        The model; a dict from the name of each gate on the channels of the last axis to its
        factors; and the names of the other gates.
    """
    model = as_functional(model)
    name = name or f"{model.name}_{task}"
    if isinstance(model, MultiTaskModel):
        model, task = _of_one_task(model, task), 0
    inputs = fresh_inputs(model)
    layers = OneTaskLayers(task)
    outputs = model._run_through_graph(inputs, call_fn=layers)
    if not layers.gates:
        raise ValueError(f"`model` must have a ModulationGate. Received: {model.name!r}.")
    if not layers.only_gates_read_tasks(inputs, outputs):
        raise ValueError(
            "`model` must have no layers but gates that read the task. Received: "
            f"{model.name!r}, in which other layers do."
        )
    plain = keras.Model(layers.without_tasks(inputs), outputs, name=name)
    factors = {
        gate.name: np.array(gate.scale)
        for gate in layers.gates
        if isinstance(gate, keras.layers.Rescaling) and np.ndim(gate.scale) == 1
    }
    return plain, factors, [gate.name for gate in layers.gates if gate.name not in factors]


def _of_one_task(model, task):
    """A `MultiTaskModel` with only one of its tasks."""
    head = model.head(task)
    if not isinstance(model.sharing, Modulated):
        raise ValueError(
            f"`model` must have the sharing Modulated. Received: {type(model.sharing).__name__}."
        )
    alone = MultiTaskModel(model.tower(task), model.sharing, {task: head}, name=model.name)
    number = model.tasks.index(task)
    for stage, gate in alone.units.items():
        gate.gate.assign(model.units[stage].gate[number : number + 1])
    return alone.for_task(task)


def _folded(gated, plan):
    """A copy without the gates that a plan replaces, with its changes of the weights."""
    changes = [change for of_gate in plan.values() for change in of_gate]
    changed = {change.layer for change in changes}

    def copy(layer):
        return copy_layer(
            layer, layer.name, config=layer.name in changed and with_all_weights(layer)
        )

    def call(layer, *args, **kwargs):
        return args[0] if layer.name in plan else layer(*args, **kwargs)

    model = keras.models.clone_model(gated, clone_function=copy, call_function=call)
    for layer in model.layers:
        original = gated.get_layer(layer.name)
        if layer.name not in changed:
            copy_state(original, layer)
            continue
        ours = {weight.name: weight for weight in layer.weights}
        for weight in original.weights:
            ours[weight.name].assign(weight)
    for name, side, factors in changes:
        scale = scale_outputs if side == "output" else scale_inputs
        scale(model.get_layer(name), factors)
    return model
