"""Tasks as a file of a model holds them."""

import warnings

from keras_mtl.task import Task


def configs_of(tasks):
    """The configurations of tasks, but for those that Keras cannot write."""
    configs = {}
    for name, task in tasks.items():
        try:
            configs[name] = task.get_config(head=False)
        except (TypeError, ValueError) as error:
            warnings.warn(
                f"The task {name!r} is written without its loss and metrics: {str(error)[:300]}",
                stacklevel=2,
            )
    return configs


def read_tasks(configs, model):
    """The tasks of a file, but for those of functions and classes that nobody has registered."""
    tasks = {}
    for name, config in configs.items():
        try:
            tasks[name] = Task.from_config({**config, "head": model.head(name)})
        except (TypeError, ValueError) as error:
            warnings.warn(
                f"The task {name!r} is read without its loss and metrics, so `compile` needs them: "
                f"{str(error)[:300]}",
                stacklevel=2,
            )
    return tasks
