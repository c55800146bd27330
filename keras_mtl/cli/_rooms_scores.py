"""Scores of any network on rooms, by the metrics that its file knows."""

import keras_mtl
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
    tasks = {name: model.task(name) for name in model.tasks}
    unknown = [name for name in tasks if name not in TARGETS]
    if unknown:
        raise CommandError(
            f"rooms have {', '.join(TARGETS)}; {model.name} has {', '.join(unknown)}"
        )
    headless = [name for name, task in tasks.items() if task is None]
    if headless:
        raise CommandError(
            f"{model.name} must know what {', '.join(headless)} is scored by: it is made of heads, "
            "not of Tasks"
        )
    several = [name for name, task in tasks.items() if isinstance(task.loss, dict)]
    if several:
        raise CommandError(f"{model.name} must have one output of {', '.join(several)}")
    sides = model.inputs[0].shape[1:]
    if len(model.inputs) > 1 or len(sides) != 3 or sides[0] != sides[1] or sides[2] != 3:
        raise CommandError(f"{model.name} must take square pictures of one known size, not {sides}")
    for name in tasks:
        *shape, channels = model.output[name].shape[1:]
        if shape != list(sides[:2]):
            raise CommandError(f"{name} must be of the pictures' size {sides[:2]}, not {shape}")
        if name == "segmentation" and channels != rooms.NUM_CLASSES:
            raise CommandError(
                f"segmentation must have the {rooms.NUM_CLASSES} classes of rooms, not {channels}"
            )
    loaded = rooms.load("test", sides[0], num_images)
    examples = Examples(
        "rooms", (loaded["image"], {name: TARGETS[name](loaded) for name in tasks}), list(tasks)
    )
    found = scores([model], tasks, examples, BATCH_SIZE)
    return [
        (name, heading, f"{factor * found[name][score]:.3f}")
        for name, task in tasks.items()
        for heading, (score, factor) in task.columns.items()
        if score in found[name]
    ]
