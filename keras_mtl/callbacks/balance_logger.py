"""The weights that balance the tasks, over training, as a table in a file."""

from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from keras_mtl._types import PathLike
from keras_mtl.callbacks._step_table import TableRecorder

COLUMNS = ("step", "epoch", "task", "other", "weight", "cosine")


class BalanceLogger(TableRecorder):
    """Writes how the tasks of a model are balanced to a CSV file while it trains.

    A row tells of a `task` and an `other`: the `weight` of the task, the same in each of its rows,
    and, of a balancing with `conflicts=True`, the `cosine` of the gradients of both (NaN without,
    or where one of them has none). They are those of the last of `step` updates, in the epoch of
    number `epoch` (the first is 1; 0 before training, where weights are 1); means over an epoch are
    in the logs of `fit`. Rows are written at the start of training, by `every`, and at the end;
    `keras_mtl.callbacks.read_balance` reads them, `keras_mtl.plots.loss_weights` and
    `keras_mtl.plots.conflicts` draw them.

    The rows of a step are written at once, so that a run that is killed leaves a readable file. A
    run that goes on from a saved model, whose optimizer knows its step, goes on in the same file;
    rows from that step on are written anew. So a run from step 0 starts the file anew.

    Args:
        path: the file.
        every: `"epoch"`, or a number of steps (batches).

    Raises:
        ValueError: `every` is neither; when training starts: the model has no balancing, or `path`
            is a file of other columns.

    Example:

    >>> import keras_mtl
    >>> balance = keras_mtl.callbacks.BalanceLogger("balance.csv", every=100)

    and then `model.fit(…, callbacks=[balance])`.
    """

    def __init__(self, path: PathLike, every: int | Literal["epoch"] = "epoch") -> None:
        super().__init__(path, COLUMNS, every)

    def read(self, model: keras.Model) -> list[tuple[Any, ...]]:
        balancing = getattr(model, "balancing", None)
        if balancing is None:
            raise ValueError(
                "BalanceLogger: the model must be compiled with `balancing`, which a MultiTaskModel"
                f" takes, and what `keras_mtl.balanced` returns. Received: {model.name!r}."
            )
        tasks = balancing.tasks
        weights = ops.convert_to_numpy(balancing.in_effect)
        cosines = np.full((len(tasks), len(tasks)), np.nan)
        if balancing.conflicts:
            cosines = ops.convert_to_numpy(balancing.cosines)
        return [
            # Nine digits tell every float32 from every other.
            (tasks[i], tasks[j], *(f"{x:.9g}" for x in (weights[i], cosine)))
            for (i, j), cosine in np.ndenumerate(cosines)
        ]
