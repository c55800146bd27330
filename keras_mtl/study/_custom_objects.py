"""What the files of a study's networks need of the caller's program to be read."""

from keras_mtl.graphs.layers_within import layers_within
from keras_mtl.task.heads import made_head


def custom_objects(study):
    """Classes and functions of the caller's program, by the names that files have for them."""
    tasks = [*study.tasks.values(), *study.auxiliary.values()]
    heads = [task.head for task in tasks]
    heads += [head for each in study.contenders for head in each.heads.values()]
    layers = [study.tower(0).model, *(made_head(head, 0) for head in heads)]
    objects = [each for layer in layers for each in layers_within(layer)]
    objects += [study._optimizer, *(each.optimizer for each in study.contenders)]
    balancings = [each.balancing for each in study.contenders]
    objects += [*balancings, *(getattr(each, "method", None) for each in balancings)]
    objects += [each for task in tasks for each in _objects_of(task)]
    known = [each if hasattr(each, "__name__") else type(each) for each in objects]
    ours = ("builtins", "keras")
    return {x.__name__: x for x in known if x.__module__.split(".")[0] not in ours}


def _objects_of(task):
    """The losses and metrics of a task."""
    losses = task.loss.values() if isinstance(task.loss, dict) else [task.loss]
    metrics = task.metrics.values() if isinstance(task.metrics, dict) else [task.metrics]
    return [*losses, *(each for of_output in metrics for each in of_output)]
