"""Scores of any network on rooms, by the metrics that its file knows."""

import keras_mtl
from keras_mtl.cli._console import dimensions
from keras_mtl.cli._errors import CommandError
from keras_mtl.datasets import edge_map, keypoint_map, rooms
from keras_mtl.study.examples import Examples
from keras_mtl.study.scores import scores

BATCH_SIZE = 16
TARGETS = {
    "segmentation": lambda loaded: loaded["segmentation"],
    "normals": lambda loaded: loaded["normals"],
    "depth": lambda loaded: loaded["depth"],
    "keypoints": lambda loaded: keypoint_map(loaded["image"]),
    "edges": lambda loaded: edge_map(loaded["image"]),
}
"""What is known of every pixel of a room, by the name of the task."""


def scores_on_rooms(model, num_images):
    """Scores of a network on rooms that it has not seen.

    Args:
        model: a `MultiTaskModel`.
        num_images: number of rooms.

    Returns:
        A list of rows: task, heading, and the score as text.

    Raises:
        CommandError: the network does not know its tasks, or rooms have none of them.
    """
    if not isinstance(model, keras_mtl.MultiTaskModel):
        raise CommandError(f"{model.name} must be a MultiTaskModel")
    sides, *others = (x.shape[1:] for x in model.inputs)
    if others or len(sides) != 3 or sides[0] is None or sides[0] != sides[1] or sides[2] != 3:
        shapes = ", ".join(map(dimensions, [sides, *others]))
        raise CommandError(f"{model.name} must take one square picture, not {shapes}")
    unfit = [reason for name in model.tasks if (reason := _unfit(model, name))]
    if unfit:
        raise CommandError(f"{model.name} cannot be scored on rooms: {'; '.join(unfit)}")
    tasks = {name: model.task(name) for name in model.tasks}
    try:
        loaded = rooms.load("test", sides[0], num_images)
        targets = {name: TARGETS[name](loaded) for name in tasks}
        examples = Examples("rooms", (loaded["image"], targets), list(tasks))
        found = scores([model], tasks, examples, BATCH_SIZE)
    except ValueError as error:  # A size or channels that rooms do not have.
        raise CommandError(f"{model.name} cannot be scored on rooms: {error}") from error
    return [
        (name, heading, f"{factor * found[name][score]:.3f}")
        for name, task in tasks.items()
        for heading, (score, factor) in task.columns.items()
        if score in found[name]
    ]


def _unfit(model, name):
    """Why a task cannot be scored, if it cannot."""
    if name not in TARGETS:
        return f"rooms have {', '.join(TARGETS)}, not {name}"
    task = model.task(name)
    if task is None:
        return f"it must know what {name} is scored by, and is made of a head, not of a Task"
    if isinstance(task.loss, dict):
        return f"it must have one output of {name}"
    size = model.inputs[0].shape[1:3]
    shape, classes = model.output[name].shape[1:], name == "segmentation"
    if shape[:-1] != size:
        wanted = dimensions((*size, "channels"))
        return f"{name} must be of the pictures' size, {wanted}, not {dimensions(shape)}"
    if (task.kind == "classes") != classes:
        return f"{name} must be of {'classes' if classes else 'numbers'}, not of {task.kind}"
    if classes and shape[-1] != rooms.NUM_CLASSES:
        return f"{name} must have the {rooms.NUM_CLASSES} classes of rooms, not {shape[-1]}"
    return None
