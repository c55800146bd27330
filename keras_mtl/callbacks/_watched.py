"""Which numbers in the logs of `fit` are watched of which task, and which of them are better."""

from collections.abc import Mapping

from keras_mtl._checks import check_choice, names
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.task._scoring import direction_of
from keras_mtl.task.task import LOSS, Direction

WORDS: dict[Direction, set[str]] = {
    "lower": {LOSS, "error"},
    "higher": {"accuracy", "acc", "auc", "precision", "recall", "iou", "iu"},
}
"""What is in the names of metrics that do not say it themselves."""

DIRECTIONS = ("higher", "lower", None)


def checked_monitor(monitor):
    """A dict from task to the pair of a name and a direction, each `None` if that is not said."""
    if monitor is None:
        return None
    if not isinstance(monitor, Mapping):
        found = dict.fromkeys(names(monitor, "monitor"), (None, None))
    else:
        found = {task: (x, None) if isinstance(x, str) else x for task, x in monitor.items()}
        for pair in found.values():
            is_pair = isinstance(pair, (tuple, list)) and len(pair) == 2
            if not is_pair or not isinstance(pair[0], str) or pair[1] not in DIRECTIONS:
                raise ValueError(
                    "`monitor` must be a dict from task to the name of a metric, or to a pair of "
                    f"that and 'higher' or 'lower'; or a list of tasks. Received: {monitor!r}."
                )
    if not found:
        raise ValueError(f"`monitor` must name a task at least. Received: monitor={monitor!r}.")
    return found


def watched_of(model: MultiTaskModel, monitor) -> dict[str, tuple[str, Direction | None]]:
    """What is watched of each task: the headlines where `monitor` does not say it."""
    found = {}
    for task, (name, better) in (monitor or dict.fromkeys(model.tasks, (None, None))).items():
        check_choice("monitor", task, model.tasks)
        if name is None:
            of_task = model.task(task)
            if of_task is None:
                raise ValueError(
                    f"`monitor` must say what is watched of {task!r}, such as {{{task!r}: 'loss'}}"
                    f", for {model.name!r} was made of its head and knows no headline. Received: "
                    "none."
                )
            name, better = of_task.headline, of_task.better
        found[task] = name, better
    return found


def keys_of(model: MultiTaskModel, task: str, name: str, logs: Mapping[str, float]) -> list[str]:
    """The keys of the logs whose sum is watched, those of validation if there is one.

    Raises:
        ValueError: there are none.
    """
    outputs = model.outputs_of(task)
    bare = name.removeprefix("val_")
    full = [f"{task}_{bare}", bare]
    if len(model.output_names_in_order) == 1:
        full.append(bare.removeprefix(f"{task}_"))
    elif bare == LOSS:
        full = []  # That is the sum over all tasks.
    for mark in ("val_", "") if name == bare else ("val_",):
        if bare in (LOSS, f"{task}_{LOSS}"):
            losses = [f"{mark}{output}_{LOSS}" for output in outputs]
            if found := [key for key in losses if key in logs]:
                return found
        if found := [mark + each for each in full if mark + each in logs]:
            return found[:1]
    raise ValueError(
        f"`monitor` must name what is in the logs: {sorted(logs)}. Received: {name!r} of {task!r}."
    )


def direction_in(model: MultiTaskModel, task: str, name: str) -> Direction:
    """Which of the watched numbers is the better one.

    Raises:
        ValueError: nothing says so.
    """
    bare = name.removeprefix("val_").removeprefix(f"{task}_")
    of_task = model.task(task)
    if of_task is not None and bare in of_task.directions:
        return of_task.directions[bare]
    without_key = {f"{task}_{bare}".removeprefix(f"{x}_") for x in model.outputs_of(task)}
    metrics = [metric for each in model.metrics for metric in getattr(each, "metrics", [])]
    known = {direction_of(x) for x in metrics if x.name in {bare, *without_key}} - {None}
    if len(known) == 1:
        return known.pop()
    for better, words in WORDS.items():
        if words.intersection(bare.split("_")):
            return better
    by_name = direction_of(bare)
    if by_name is None:
        raise ValueError(
            f"`monitor` must say whether a 'higher' or a 'lower' {name} is the better one, as "
            f"{{{task!r}: ({name!r}, 'higher')}}: its metric does not. Received: {name!r}."
        )
    return by_name
