"""The Keras graph that a plan describes."""

import keras
from keras import ops

from keras_mtl.graphs.layer_names import prefix_of
from keras_mtl.graphs.split_tasks import split_tasks
from keras_mtl.sharing.plan import StageCall


def layers_of(plan):
    """The layers that a new model is made of: copies of stages, and units, by their names."""
    stages = {call.copy: call.stage for call in plan.stage_calls}
    skipped = {call.copy for call in plan.stage_calls if call.shortcut is not None}
    copies = {
        name: plan.tower.copy_stage(stage, prefix_of(name, stage), shortcut=name in skipped)
        for name, stage in stages.items()
    }
    return copies | plan.units


def plan_graph(plan, layers, inputs):
    """Calls the layers of a plan.

    Args:
        plan: the `Plan`.
        layers: dict from name to layer. What runs a shortcut alone is made of the copy's layers, if
            that is there.
        inputs: list of the Keras tensors of the inputs.

    Returns:
        A dict from task to the Keras tensor of its last features.
    """
    copies = {
        call.layer: layers[call.copy]
        for call in plan.stage_calls
        if call.layer != call.copy and call.copy in layers
    }
    layers = layers | {
        name: keras.Model(copy.input, copy.outputs[1], name=name) for name, copy in copies.items()
    }
    by_name = {x.name: x for x in inputs}
    # A single input need not be called as the tower's.
    tensors, batches = {0: inputs[0] if len(inputs) == 1 else by_name.get(plan.along)}, {}
    if plan.own_inputs:
        tensors = {number: by_name[task] for number, task in enumerate(plan.features)}

    def tensor(value):
        if value not in tensors:  # A part of a batch, which nobody has read by itself so far.
            parts = batches[value]
            found = split_tasks(tensor(parts.reads[0]), len(parts.makes))
            tensors.update(zip(parts.makes, found, strict=True))
        return tensors[value]

    for call in plan.calls:
        if isinstance(call, StageCall):
            part = layers[call.layer]
            further = [_joined([by_name[x.name]] * call.count) for x in part.inputs[1:]]
            before = tensor(call.reads)
            made = part([before, *further] if further else before)
            makes = [value for value in (call.output, call.shortcut) if value is not None]
        elif call.layer is not None:
            made = layers[call.layer](*keras.tree.map_structure(tensor, call.reads))
            makes = call.makes
        elif len(call.makes) == 1:
            made, makes = _joined([tensor(value) for value in call.reads[0]]), call.makes
        else:
            batches.update(dict.fromkeys(call.makes, call))
            continue
        # A copy that has a shortcut makes that for those, too, who go on with the output alone.
        tensors.update(zip(makes, keras.tree.flatten(made), strict=not isinstance(call, StageCall)))
    return {task: tensor(value) for task, value in plan.features.items()}


def _joined(tensors):
    return tensors[0] if len(tensors) == 1 else ops.concatenate(tensors, axis=0)
