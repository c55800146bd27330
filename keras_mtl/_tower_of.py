"""The tower that a task of a multi-task model goes through."""

import keras

from keras_mtl._copies import copy_layer, copy_state
from keras_mtl.towers import Tower


def tower_of(model, task):
    """A `Tower` of copies of a task's stages; see `MultiTaskModel.tower`."""
    parts = {stage: model.stage(task, stage) for stage in model.stages}
    inputs = {x.name: keras.Input(x.shape[1:], dtype=x.dtype, name=x.name) for x in model.inputs}
    main = next(iter(parts.values())).inputs[0].name
    # A single input of the tower may have another name than the model's.
    features = inputs[main] if len(inputs) > 1 else next(iter(inputs.values()))
    along = features.name
    copies = []
    for stage, part in parts.items():
        end = part.outputs[0]._keras_history.operation.name
        prefix = end.removesuffix(stage)

        def call(operation, *args, prefix=prefix, **kwargs):
            copy = copy_layer(operation, operation.name.removeprefix(prefix))
            copies.append((operation, copy))
            return copy(*args, **kwargs)

        before = [features, *(inputs[x.name] for x in part.inputs[1:])]
        outputs = part._run_through_graph(before, call_fn=call)
        features = keras.tree.flatten(outputs)[0]
    tower = Tower(keras.Model(list(inputs.values()), features), model.stages, along)
    for original, copy in copies:
        if isinstance(copy, keras.layers.Layer):
            copy_state(original, copy, trainable=True)
    return tower
