"""Which stages of a model a task skips."""

from keras_mtl._way_back import way_back
from keras_mtl.layers import SkipPolicy
from keras_mtl.sharing.ada_shared import runs_shortcut


def skipped_stages(model, task):
    """Names of the stages that a task of a `MultiTaskModel` skips, though it may run a shortcut."""
    if any(isinstance(layer, SkipPolicy) for layer in model.layers):
        return []
    # A stage that some run and others skip has two outputs, of which the shortcut is the second.
    shortcuts = {
        operation.name
        for operation, index in way_back(model.output[model.outputs_of(task)[0]])
        if index == 1 and len(getattr(operation, "outputs", ())) == 2
    }
    return [
        stage
        for stage, name in model._stage_layers[task].items()
        if name is None or name in shortcuts or runs_shortcut(model.sharing, name)
    ]
