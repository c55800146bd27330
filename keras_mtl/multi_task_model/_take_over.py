"""Weights that one multi-task model takes over from others."""

import keras

from keras_mtl.graphs.copy_state import copy_state


def stage_donors(model, donors):
    """What has the weights for the copies of a model's stages, by the names of their layers.

    Args:
        model: the `MultiTaskModel` that takes them over.
        donors: dict from its tasks to pairs of another one and one of that one's tasks.

    Raises:
        ValueError: the others skip a stage that the model runs, or run other copies of it.
    """
    found, missing = {}, {}
    for ours, (donor_model, task) in donors.items():
        for stage in model.stages:
            for call in model.plan.calls_for(ours, stage):
                donor = _donor(donor_model, task, call)
                if donor is None:
                    missing[call.layer] = stage
                else:
                    found.setdefault(call.layer, donor)
    missing = [stage for name, stage in missing.items() if name not in found]
    if missing:
        raise ValueError(f"`models` have no weights for the stages {missing}, which they skip.")
    return found


def unit_donor(model, name, models):
    """The unit of that name of the first of some models that mixes the same tasks, or `None`."""
    for other in models:
        if set(other.tasks) == set(model.tasks) and any(x.name == name for x in other.layers):
            if other.tasks != model.tasks:
                raise ValueError(
                    f"`models` must have the tasks in the order of this model, in which {name} "
                    f"mixes them: {model.tasks}. Received: {other.tasks} of {other.name}."
                )
            return other.get_layer(name)
    return None


def take_over(model, donors):
    """Sets the weights of a model's layers to those of other layers: all or none.

    Args:
        model: the `MultiTaskModel`.
        donors: dict from the names of its layers to the other layers.

    Raises:
        ValueError: shapes differ.
    """
    for name, donor in donors.items():
        ours = [tuple(weight.shape) for weight in model.get_layer(name).weights]
        theirs = [tuple(weight.shape) for weight in donor.weights]
        if ours != theirs:
            raise ValueError(
                f"`models` must have weights of the same shapes. {name} has {ours}; received "
                f"{theirs} from {donor.name}."
            )
    for name, donor in donors.items():
        copy_state(donor, model.get_layer(name))


def _donor(model, task, call):
    """The layer with the weights that a call of a stage needs; `None` if they are skipped."""
    copies = {layer.name: layer for layer in model.copies(task, call.stage)}
    # Of several copies the one of the same name; else all of them start from one.
    if call.layer in copies:
        return copies[call.layer]
    whole = {each.copy for each in model.plan.calls_for(task, call.stage)} & set(copies)
    if not whole:
        return None
    layer = copies[call.copy] if call.copy in whole else model.stage(task, call.stage)
    if call.output is not None:
        return layer
    return keras.Model(layer.input, layer.get_layer(f"{layer.name}_shortcut").output)
