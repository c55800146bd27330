"""What should my tasks share? One call."""

from collections.abc import Mapping
from typing import Any

from keras_mtl.study._types import Launcher
from keras_mtl.study.found import Found
from keras_mtl.study.launchers import local
from keras_mtl.study.study import Study
from keras_mtl.task import Task


def compare(
    backbone: Any,
    tasks: Mapping[str, Task],
    train: Any,
    validation: Any,
    test: Any,
    *,
    steps: int,
    launcher: Launcher = local,
    **options: Any,
) -> Found:
    """Trains and compares ways in which tasks can share a network, on your own data.

    The plan is printed first, then how far it is. A run that is stopped goes on when it is called
    again with the same folder; so do further seeds and contenders.

    Args:
        backbone, tasks, train, validation, test, steps: as of `Study`.
        launcher: who runs the trainings: `keras_mtl.study.local` or `processes(count)`.
        **options: `contenders`, `seeds`, `folder` and others, as of `Study`.

    Returns:
        A `Found`: `print(found)`, `found.best()`, `found.best("age")`, `found.model("split")`.

    Raises:
        TypeError, ValueError: as of `Study`.

    Example:

    >>> import keras, numpy as np, tempfile, keras_mtl
    >>> x = np.random.default_rng(0).normal(size=(60, 4)).astype("float32")
    >>> examples = (x, {"a": x[:, :1], "b": x[:, 1:2]})
    >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu", name="one")])
    >>> found = keras_mtl.compare(
    ...     net, {task: keras_mtl.Task.regression() for task in "ab"}, examples, examples, examples,
    ...     steps=4, seeds=1, contenders=[keras_mtl.study.hard_sharing()],
    ...     folder=tempfile.mkdtemp())  # doctest: +ELLIPSIS
    Stages end at one; ...
    >>> print(found.best())
    None
    """
    study = Study(backbone, tasks, train, validation, test, steps=steps, **options)
    print(study.plan(), flush=True)
    return study.run(launcher)
