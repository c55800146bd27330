"""What `load` of the papers' data sets returns."""

from keras_mtl._checks import names

from .array_batches import ArrayBatches


def arrays_or_batches(columns, as_arrays, tasks, split, options):
    """The columns of a split, or the batches for `fit`.

    Args:
        columns: Dict of `image` and of the tasks' targets.
        as_arrays: Whether the columns are asked for.
        tasks: Names of the tasks, or one name.
        split: Name of the split; only "train" is shuffled.
        options: As of `ArrayBatches`.
    """
    if as_arrays:
        if options:
            raise TypeError(f"With `as_arrays=True` there is no option {', '.join(options)}.")
        return columns
    known = [name for name in columns if name != "image"]
    tasks = names(tasks or (), "tasks")
    if not tasks or not set(tasks) <= set(known) or len(set(tasks)) < len(tasks):
        raise ValueError(f"`tasks` must be one or more of {known}. Received: {tasks}.")
    options = {"batch_size": 16, "shuffle": split == "train", **options}
    return ArrayBatches(columns["image"], {task: columns[task] for task in tasks}, **options)
