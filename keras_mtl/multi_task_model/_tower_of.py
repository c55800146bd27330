"""The tower that a task of a multi-task model goes through."""

import keras

from keras_mtl.graphs.copied_layers import CopiedLayers
from keras_mtl.graphs.layer_names import prefix_of, prefixed
from keras_mtl.towers import Tower


def tower_of(model, task):
    """A `Tower` of copies of a task's stages; see `MultiTaskModel.tower`."""
    skipped = model.plan.skipped(task)
    if skipped:
        raise ValueError(f"{task!r} skips the stages {skipped}: it goes through no whole tower.")
    parts = {stage: model.stage(task, stage) for stage in model.stages}
    given = [model.input[task]] if model.plan.own_inputs else model.inputs
    inputs = {x.name: keras.Input(x.shape[1:], dtype=x.dtype, name=x.name) for x in given}
    # A single input need not be called as the tower's was.
    along = model.plan.along if len(inputs) > 1 else given[0].name
    features = inputs[along]
    copies = CopiedLayers()
    for stage, part in parts.items():
        copies.renamed = _names(part, stage)
        before = [features, *(inputs[x.name] for x in part.inputs[1:])]
        features = keras.tree.flatten(part._run_through_graph(before, call_fn=copies))[0]
    return Tower(keras.Model(list(inputs.values()), features), model.stages, along, model.fast)


def _names(part, stage):
    """From the names of a stage's copied layers to those that they had in the tower."""
    prefix = prefix_of(part.name, stage)
    names = {layer.name: layer.name.removeprefix(f"{prefix}_") for layer in part.operations}
    # These two have a meaning, so letters that a name cannot hold come back.
    shortcut = f"{stage}_shortcut"
    return {**names, prefixed(prefix, stage): stage, prefixed(prefix, shortcut): shortcut}
