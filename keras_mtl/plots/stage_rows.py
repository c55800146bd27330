"""A model as a table: which tasks share a stage, what stands behind it, what it costs."""

import dataclasses
import math

import keras

from keras_mtl._types import Shape
from keras_mtl.graphs.topological_nodes import topological_nodes
from keras_mtl.layers import ModulationGate, SkipBlock
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.towers import possible_cuts


@dataclasses.dataclass(frozen=True)
class StageRow:
    """A stage of a model.

    Attributes:
        stage: its name.
        output_shape: shape of its output for one example.
        parameters: number of the weights of all layers that run it, each counted once.
        groups: the tasks that run one layer, a list of names for each layer.
        skipped: the tasks that skip it, though they may run its shortcut.
        unit: what stands behind it and is no part of any task's tower: the class, such as
            `"CrossStitch"`, `"ModulationGate"` or, under a policy that is learned, `"SkipBlock"`;
            of a layer of Keras itself the name, such as `"latent_basis"`. `None` if nothing does.
        unit_parameters: number of the weights of that.
    """

    stage: str
    output_shape: Shape
    parameters: int
    groups: list[list[str]]
    skipped: list[str]
    unit: str | None = None
    unit_parameters: int = 0


def stage_rows(model: keras.Model) -> list[StageRow]:
    """The stages of a model, from the image on.

    A functional model with gates, of `keras_mtl.modulate`, is cut behind its gates, and where a
    layer ends a part whose layers are named after it (`block1` of `block1_conv` and the like); its
    tasks are numbers, all in one group.

    Args:
        model: a `MultiTaskModel`, or a functional model with a `ModulationGate`.

    Returns:
        A list of `StageRow`s. Their parameters, those of the heads and of units that stand behind
        no stage, such as a `SkipPolicy`, are all that the model has.

    Raises:
        TypeError: `model` is neither.
    """
    if isinstance(model, MultiTaskModel):
        return _rows_of_tasks(model)
    if isinstance(model, keras.Model) and getattr(model, "inputs", None) and _gates(model):
        return _rows_of_modulated(model)
    raise TypeError(
        "`model` must be a MultiTaskModel, or a functional model with a ModulationGate. "
        f"Received: {model!r}."
    )


def _rows_of_tasks(model):
    skips = {task: model.plan.skipped(task) for task in model.tasks}
    units, shape, rows = _units_behind_stages(model), model.inputs[0].shape[1:], []
    for stage in model.stages:
        layers, groups = {}, {}
        for task in model.tasks:
            for layer in model.copies(task, stage):
                layers[layer.name] = layer
                if stage not in skips[task]:
                    groups.setdefault(layer.name, []).append(task)
        if layers:  # Where no task runs any, the features stay as they were.
            shape = next(iter(layers.values())).outputs[0].shape[1:]
        row = StageRow(
            stage=stage,
            output_shape=tuple(shape),
            parameters=_parameters(layers.values()),
            groups=list(groups.values()),
            skipped=[task for task in model.tasks if stage in skips[task]],
            unit=_name_of(units[stage][0]) if stage in units else None,
            unit_parameters=_parameters(units.get(stage, ())),
        )
        rows.append(row)
    return rows


def _rows_of_modulated(model):
    gates = _gates(model)
    tasks = [str(number) for number in range(next(iter(gates.values())).num_tasks)]
    ends, rows, layers = _ends(model, gates), [], []
    calls = [
        node
        for node in topological_nodes(model)
        if not isinstance(node.operation, (keras.layers.InputLayer, ModulationGate))
    ]
    for node in calls:
        name = node.operation.name
        layers.append(node.operation)
        if node is not calls[-1] and (name not in ends or name in (row.stage for row in rows)):
            continue
        row = StageRow(
            stage=name,
            output_shape=tuple(node.output_tensors[0].shape[1:]),
            parameters=_parameters(layers),
            groups=[tasks],
            skipped=[],
            unit=_name_of(gates[name]) if name in gates else None,
            unit_parameters=_parameters([gates[name]] if name in gates else ()),
        )
        rows.append(row)
        layers = []
    return rows


def _units_behind_stages(model):
    """Lists of the units that learn, or that mix by a policy, by the stage they stand behind."""
    units = {}
    for name, stage in model.plan.behind.items():
        layer = model.get_layer(name)
        if stage and (layer.weights or isinstance(layer, SkipBlock)):
            units.setdefault(stage, []).append(layer)
    return units


def _gates(model):
    """The gates of a functional model, by the names of the layers before them."""
    gates = (layer for layer in model.layers if isinstance(layer, ModulationGate))
    return {gate.name.removeprefix("gate_"): gate for gate in gates}


def _ends(model, gates):
    """Names of the layers that a modulated model is cut behind."""
    names = [layer.name for layer in model.layers]
    cuts = possible_cuts(model) if len(model.outputs) == 1 else ()
    parts = [cut for cut in cuts if any(name.startswith(f"{cut}_") for name in names)]
    # A part of a part is none: block1_in, of block1_in_conv, belongs to block1.
    outer = [part for part in parts if not any(part.startswith(f"{each}_") for each in parts)]
    return {*gates, *outer}


def _parameters(layers):
    weights = {id(weight): weight for layer in layers for weight in layer.weights}
    return sum(math.prod(weight.shape) for weight in weights.values())


def _name_of(layer):
    module, name = type(layer).__module__, type(layer).__name__
    return layer.name if module.split(".")[0] == "keras" else name
