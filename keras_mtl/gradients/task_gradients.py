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
    metrics and seeds are not touched.

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
        the variable's shape; zeros where the task does not reach it. Tasks of `task_ids` are ints.

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
    vjp = of_backend().vjp

    fixed = {v.path: ops.stop_gradient(v.value) for v in model.trainable_variables}

    def forward(values):
        trainable = list({**fixed, **dict(zip(wanted, values, strict=True))}.values())
        state = [v.value for v in model.non_trainable_variables]
        y_pred, _ = model.stateless_call(trainable, state, x, training=training)
        return tree.flatten(y_pred), y_pred

    values = [variable.value for variable in wanted.values()]
    flat, y_pred, to_variables = vjp(forward, values)

    def joint_loss(flat):
        # The scope keeps the metrics of the losses as they are. Regularisers read the variables.
        with keras.StatelessScope(zip(model.trainable_variables, fixed.values(), strict=True)):
            y_pred_of = tree.pack_sequence_as(y_pred, flat)
            if hasattr(model, "task_losses"):  # Whatever balances them.
                losses = model.task_losses(y, y_pred_of, sample_weight)
                return [sum(losses.values())], None
            return [model.compute_loss(x, y, y_pred_of, sample_weight)], None

    (loss,), _, to_outputs = vjp(joint_loss, flat)
    cotangents = _where_none(to_outputs([ops.ones_like(loss)]), flat)
    cotangents = tree.pack_sequence_as(y_pred, cotangents)
    if task_ids is None:
        parts = _by_output(cotangents, outputs_of)
    else:
        parts = _by_row(cotangents, task_ids, num_tasks)
    gradients = {}
    for task, part in parts:
        found = _where_none(to_variables(tree.flatten(part)), values)
        arrays = (ops.convert_to_numpy(ops.cast(g, "float32")) for g in found)
        gradients[task] = dict(zip(wanted, arrays, strict=True))
    return gradients


def _where_none(gradients, like):
    """Gradients that are zeros where there are none."""
    pairs = zip(gradients, like, strict=True)
    return [ops.zeros_like(value) if g is None else g for g, value in pairs]


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


def _by_output(cotangents, outputs_of):
    """Of every task: the cotangents, zero but for its own outputs."""
    for task, names in outputs_of.items():
        yield (
            task,
            {
                name: part if name in names else tree.map_structure(ops.zeros_like, part)
                for name, part in cotangents.items()
            },
        )


def _by_row(cotangents, task_ids, num_tasks):
    """Of every task: the cotangents, zero but for its own rows."""
    task_ids = np.asarray(ops.convert_to_numpy(task_ids))
    rows = {int(part.shape[0]) for part in tree.flatten(cotangents)}
    if (
        {task_ids.shape} != {(each,) for each in rows}
        or not np.issubdtype(task_ids.dtype, np.integer)
        or task_ids.min() < 0
    ):
        raise ValueError(
            f"`task_ids` must be an integer from 0 for each of the {sorted(rows)} rows of the "
            f"outputs. Received: shape {task_ids.shape}, {task_ids}."
        )
    highest = int(task_ids.max())
    if num_tasks is None:
        num_tasks = highest + 1
    check_integer("num_tasks", num_tasks, highest + 1)
    for task in range(num_tasks):
        own = task_ids == task

        def mask(part, own=own):
            # Not a product: 0 × NaN of another task would be NaN.
            return ops.where(ops.reshape(own, (-1, *[1] * (len(part.shape) - 1))), part, 0)

        yield task, tree.map_structure(mask, cotangents)
