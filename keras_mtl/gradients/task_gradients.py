"""What every task alone would change in the variables."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops, tree
from numpy.typing import ArrayLike

from keras_mtl._checks import check_integer
from keras_mtl._types import Array
from keras_mtl.gradients._backend import of_backend
from keras_mtl.gradients._pulls import pulls_of


def task_gradients(
    model: keras.Model,
    data: tuple[Any, ...],
    *,
    task_ids: ArrayLike | None = None,
    num_tasks: int | None = None,
    variables: Sequence[keras.Variable | str] | None = None,
    training: bool = True,
) -> dict[str, dict[str, Array]] | dict[int, dict[str, Array]]:
    """Takes the joint loss of a batch apart into every task's gradient.

    The tasks' gradients sum to the gradient of the loss that the model is compiled with, its
    weights and those of the samples included. What does not depend on the outputs is no task's:
    regularisers and losses that layers add are left out. One forward pass serves all tasks, so that
    a batch normalization and a dropout are the same for all. The model stays as it is: statistics,
    metrics and seeds are not touched. TensorFlow and JAX compile all of it once for a model and for
    batches of one shape, unless the model runs eagerly; it is compiled anew when the model is, or
    layers are frozen.

    A task is one of a `keras_mtl.MultiTaskModel`, with all of its outputs, or an output of another
    functional model whose outputs are a dict. Labels that are missing count not; tasks that a
    `MultiTaskModel` leaves out have no gradient.

    With `task_ids`, rows are tasks instead: a model of one embedding, say, whose batches mix
    triplets of several tasks. A task's gradient is then that through its rows of the outputs; rows
    of different tasks must not meet in the loss, unless that is what is to be split.

    Under `mixed_float16` the loss is not scaled, so that small gradients may underflow to zero.
    Masks of the outputs are not passed to the losses.

    Args:
        model: a compiled Keras model.
        data: a batch `(x, y)` or `(x, y, sample_weight)` as `fit` takes from a data set.
        task_ids: integers (rows,) from 0, the task of every row of the outputs; `None` if the tasks
            have outputs of their own.
        num_tasks: number of tasks of `task_ids`, if a batch need not have all; one more than the
            highest id if `None`.
        variables: list of trainable variables of the model, or of their paths; all if `None`.
        training: whether the network runs as in training.

    Returns:
        A dict from task to a dict from the path of a variable to its gradient, a float32 array of
        the variable's shape, which may be read-only; zeros where the task does not reach it. Tasks
        of `task_ids` are ints.

    Raises:
        ValueError: the model is not compiled, or has no tasks and no `task_ids` are given; ids are
            not one integer from 0 a row, or not below `num_tasks`; a variable is unknown or not
            trainable.

    Example:

    >>> import keras, keras_mtl
    >>> x = keras.Input((2,))
    >>> outputs = {name: keras.layers.Dense(1, name=name)(x) for name in ("age", "height")}
    >>> model = keras.Model(x, outputs)
    >>> model.compile("sgd", {"age": "mse", "height": "mse"})
    >>> batch = np.ones((4, 2)), {"age": np.ones((4, 1)), "height": np.ones((4, 1))}
    >>> gradients = keras_mtl.gradients.task_gradients(model, batch)
    >>> gradients["age"]["age/kernel"].shape, gradients["age"]["height/kernel"].tolist()
    ((2, 1), [[0.0], [0.0]])
    """
    if not model.compiled:
        raise ValueError(f"`model` must be compiled. Received: {model.name}, which is not.")
    outputs_of = _outputs_of(model) if task_ids is None else None
    wanted = _wanted(model, variables)
    if hasattr(model, "with_class_weights") and training:
        data = model.with_class_weights(data)
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    if isinstance(y, dict):  # Labels of a task may be missing.
        y = {name: labels for name, labels in y.items() if labels is not None}
    x, y, sample_weight = (
        None if part is None else tree.map_structure(ops.convert_to_tensor, part)
        for part in (x, y, sample_weight)
    )
    own = None if task_ids is None else _own_rows(task_ids, num_tasks)
    batch = x, y, sample_weight
    pulls = pulls_of(model, list(wanted.values()), outputs_of, training, batch)
    found, to_numpy = pulls(batch, own), of_backend().to_numpy
    return {
        task: dict(zip(wanted, map(to_numpy, of_task), strict=True))
        for task, of_task in zip(outputs_of or range(len(found)), found, strict=True)
    }


def _outputs_of(model):
    """Names of the outputs of every task."""
    if hasattr(model, "outputs_of"):
        return {task: model.outputs_of(task) for task in model.tasks}
    outputs = getattr(model, "output", None)
    if not isinstance(outputs, dict):
        raise ValueError(
            f"`task_ids` must be given for a model whose outputs are not a dict. "
            f"Received: task_ids=None for {model.name}."
        )
    return {name: [name] for name in outputs}


def _wanted(model, variables):
    """Dict from path to variable, of those whose gradients are wanted."""
    known = {variable.path: variable for variable in model.trainable_variables}
    if len(known) < len(model.trainable_variables):
        raise ValueError(f"`model`: several variables of {model.name} have the same path.")
    if variables is None:
        return known
    paths = [getattr(variable, "path", variable) for variable in variables]
    unknown = [path for path in paths if path not in known]
    if unknown or not paths:
        raise ValueError(
            f"`variables` must be of the model's trainable ones: {list(known)}. "
            f"Received: {unknown or paths}."
        )
    return {path: known[path] for path in paths}


def _own_rows(task_ids, num_tasks):
    """Booleans (tasks, rows): which rows are a task's."""
    task_ids = np.asarray(ops.convert_to_numpy(task_ids))
    if (
        task_ids.ndim != 1
        or not np.issubdtype(task_ids.dtype, np.integer)
        or task_ids.min(initial=0) < 0
    ):
        raise ValueError(
            "`task_ids` must be an integer from 0 for each of the rows of the outputs. "
            f"Received: shape {task_ids.shape}, {task_ids}."
        )
    highest = int(task_ids.max(initial=0))
    num_tasks = check_integer(
        "num_tasks", highest + 1 if num_tasks is None else num_tasks, highest + 1
    )
    return ops.convert_to_tensor(np.arange(num_tasks)[:, None] == task_ids)
