"""What `load` of the papers' data sets returns for `fit`."""

from .array_batches import ArrayBatches


def as_batches(columns, tasks, split, options):
    """The batches of a split.

    Args:
        columns: Dict of `image` and of the tasks' targets.
        tasks: Names of the tasks, or one name.
        split: Name of the split; only "train" is shuffled.
        options: As of `ArrayBatches`.
    """
    known = [name for name in columns if name != "image"]
    tasks = (tasks,) if isinstance(tasks, str) else tuple(tasks or ())
    if not tasks or not set(tasks) <= set(known):
        raise ValueError(f"`tasks` must be one or more of {known}. Received: {tasks}.")
    options = {"batch_size": 16, "shuffle": split == "train", **options}
    return ArrayBatches(columns["image"], {task: columns[task] for task in tasks}, **options)
