"""One-task networks of any kind as networks on one tower."""

import keras

from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.sharing import Branched
from keras_mtl.towers import Tower, possible_cuts


def on_tower(model, task, tower):
    """A trained network as a `MultiTaskModel` with the task and the tower's stages."""
    if isinstance(model, MultiTaskModel):
        model.head(task)  # refuses a task that it does not have
        if model.stages != list(tower.stages):
            raise ValueError(
                f"`one_task_models[{task!r}]` must have the tower's stages {list(tower.stages)}. "
                f"Received: {model.stages}."
            )
        return model
    cuts = possible_cuts(model)
    missing = [stage for stage in tower.stages if stage not in cuts]
    if missing:
        raise ValueError(
            f"`one_task_models[{task!r}]` must have layers called as the tower's stages, at which "
            f"one tensor alone carries it. Received: {model.name!r} without {missing}; its layers "
            f"of that kind: {list(cuts)}."
        )
    whole = Tower(model, tower.stages, fast=tower.fast)
    end = tower.stages[-1]
    body = keras.Model(model.inputs, cuts[end])
    has_head = whole.stages[-1] != end
    head = whole.stage(whole.stages[-1]) if has_head else keras.layers.Identity()
    body = Tower(body, tower.stages, fast=tower.fast)
    return MultiTaskModel(body, Branched.independent(), {task: head})
