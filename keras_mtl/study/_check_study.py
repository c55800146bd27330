"""What is refused of a study's tasks, backbone and data, before anything is trained."""

from collections.abc import Mapping

import numpy as np

from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.multi_task_model._check_targets import check_targets
from keras_mtl.sharing import Branched
from keras_mtl.study.scores import compile_to_score
from keras_mtl.task import Task
from keras_mtl.task.heads import made_head


def check_tasks(tasks):
    if not isinstance(tasks, Mapping) or not tasks:
        raise ValueError(f"`tasks` must be a dict from name to Task. Received: tasks={tasks!r}.")
    for name, task in tasks.items():
        if not isinstance(task, Task):
            raise TypeError(
                f"`tasks[{name!r}]` must be a Task, such as `Task(Dense(1), loss='mse')`. "
                f"Received: {task!r}."
            )


def check_study(study):
    """Raises a `ValueError` if targets do not fit the heads."""
    tower = study.tower(0)
    if len(tower.model.inputs) > 1:
        raise ValueError(
            "`backbone` must have one input. Received one with the inputs "
            f"{[x.name for x in tower.model.inputs]}."
        )
    for name, task in study.tasks.items():
        if isinstance(task.loss, dict):
            raise ValueError(
                f"`tasks[{name!r}]` must have one output, by which networks are compared. "
                f"Received: one of the outputs {list(task.loss)}."
            )
    heads = {name: made_head(task.head, 0) for name, task in study.tasks.items()}
    model = MultiTaskModel(tower, Branched.hard_sharing(), heads)
    try:
        compile_to_score(model, study.tasks, run_eagerly=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`tasks` do not fit: {str(error)[:500]}") from error
    for name in ("train", "validation", "test"):
        part = getattr(study, name)
        shape, given = tower.input_shape, tuple(part.x.shape[1:])
        if len(shape) != len(given) or any(
            ours not in (None, theirs) for ours, theirs in zip(shape, given, strict=True)
        ):
            raise ValueError(
                f"`{name}` must have inputs of the backbone's shape {shape}. Received: {given}."
            )
        try:
            check_targets(model, None, {task: part.y[task] for task in study.tasks})
            for task in study.tasks:
                _check_ranks(study.tasks[task], task, model.output[task].shape, part.y[task].shape)
            found = study.scores([model], part.some(np.arange(1)), run_eagerly=True)
        except Exception as error:
            raise ValueError(
                f"`{name}` and `tasks` do not fit: {type(error).__name__}: {str(error)[:500]}"
            ) from error
    for name, task in study.tasks.items():
        for headline in task.headlines:
            if headline not in found[name]:
                raise ValueError(
                    f"`tasks[{name!r}]` must have a headline among its scores "
                    f"{sorted(found[name])}. Received: {headline!r}."
                )


def _check_ranks(task, name, output, labels):
    """Refuses numbers that would be compared with numbers of other places, by broadcasting."""
    more = len(output) - len(labels)
    if task.kind in ("numbers", "attributes", "metres") and (
        more > 1 or more == 1 and output[-1] != 1
    ):
        raise ValueError(
            f"outputs of {name!r} are of shape {tuple(output[1:])}, and its labels of "
            f"{tuple(labels[1:])}; a head of features of pixels has to pool them"
        )
