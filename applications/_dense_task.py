"""The task of a kind, which is how the prebuilt networks of dense tasks are told of them."""

import keras

from keras_mtl.task import Task
from keras_mtl.task.counted import counted


def dense_task(task, kind, heads, options, others=""):
    """The `Task` of a kind, or what was given if it is one, or a layer.

    Args:
        task: its name.
        kind: as of `DeepLab`.
        heads: dict from kind to head; "classes" is that of a number of classes or of their names.
        options: those of the head.
        others: what else `kind` might have been, for the refusal.
    """
    if isinstance(kind, (Task, keras.layers.Layer)):
        return kind
    words = [word for word in heads if word != "classes"]
    if isinstance(kind, str) and kind in words:
        return Task.of(heads[kind](**options))
    count, names = counted(kind)
    if count is not None and count > 1:
        return Task.of(heads["classes"](count, **options), names)
    raise ValueError(
        f"`tasks[{task!r}]` must be a number of classes (2 or more), their names, {others}one of "
        f"{words}, a Task or a Keras layer. Received: {kind!r}."
    )
