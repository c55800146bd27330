"""What is refused of the parts that a model is made of."""

import re
from collections.abc import Mapping

import keras

from keras_mtl.task import Task


def check_tasks(tasks):
    if not isinstance(tasks, Mapping) or not tasks:
        raise ValueError(
            f"`tasks` must be a dict from task name to Task or head. Received: {tasks!r}."
        )
    letter = r"[^\W_]"
    bad = [
        task
        for task in tasks
        if not isinstance(task, str) or not re.fullmatch(rf"{letter}|{letter}[^/\n]*\S", task)
    ]
    if bad:
        raise ValueError(
            "`tasks`: a task name must start with a letter or a digit and have neither slashes nor "
            f"line breaks, nor end in a space. Received: {bad}."
        )
    for task, value in tasks.items():
        check_part(f"tasks[{task!r}]", value, (Task, keras.layers.Layer), "Dense(1)")


def check_part(argument, value, kind, example):
    if not isinstance(value, kind):
        raise TypeError(
            f"`{argument}` must be an instance of {_names_of(kind)}, such as `{example}`. "
            f"Received: {argument}={value!r}."
        )


def check_task(name, task, outputs):
    """Raises a `ValueError` if the losses or classes of a task are not those of its outputs."""
    keys = list(task.loss) if isinstance(task.loss, dict) else [None]
    if set(keys) != set(outputs):
        said = [f"a dict of {keys}", "one loss"][keys == [None]]
        wanted = [f"a dict of losses by {sorted(map(str, outputs))}", "one"][None in outputs]
        raise ValueError(f"`loss` of the task {name!r} must be {wanted}. Received: {said}.")
    if task.kind == "objects" and "classes" in outputs:
        count = outputs["classes"].shape[-1] - 1  # Without the background.
    elif task.kind in ("classes", "attributes") and None in outputs:
        count = outputs[None].shape[-1]
    else:
        return
    if task.kind == "classes" and count == 1:
        raise ValueError(
            f"`kind` of the task {name!r}, whose head puts out one number, must be 'attributes' "
            "(yes or no). Received: 'classes'."
        )
    if task.classes is not None and count != len(task.classes):
        raise ValueError(
            f"`classes` of the task {name!r} must be as many as its head puts out, {count}. "
            f"Received: {task.classes}."
        )


def _names_of(kinds):
    return " or ".join(each.__name__ for each in (kinds if isinstance(kinds, tuple) else (kinds,)))
