"""Whether the tasks agree on their updates, over training, as a table in a file."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import PathLike
from keras_mtl.callbacks._step_table import TableRecorder
from keras_mtl.gradients import (
    cosine_similarity,
    gradient_norms,
    inner_products,
    task_gradients,
    update_compliance,
)

COLUMNS = ("step", "epoch", "layer", "task", "other", "compliance", "cosine", "norm")


class ComplianceLogger(TableRecorder):
    """Writes how far the tasks agree on the shared weights to a CSV file while a model trains.

    After `step` updates, the last of them in the epoch of number `epoch` (the first is 1; 0 before
    training), the tasks' gradients are taken on each of `batches`. A row tells of the gradients of
    a `task` and an `other` at a `layer`: the update `compliance` ratio over the batches, and the
    mean `cosine` over those batches in which both have a gradient (both NaN if there is none, or
    one is not finite), and the mean `norm` of the task's own gradient. Rows are written at the
    start of training, by `every`, and at the end; `keras_mtl.callbacks.read_compliance` reads them,
    `keras_mtl.plots.compliance_history` draws them.

    The model learns as it would without: what is measured leaves no trace in it. It costs, a time
    and batch, a forward pass and a backward pass a task. A run that goes on from a saved model,
    whose optimizer knows its step, goes on in the same file; rows from that step on are written
    anew.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018.

    Args:
        path: the file.
        batches: list of batches `(x, y)` or `(x, y, sample_weight)`, the same at every time.
        every: `"epoch"`, or a number of steps (batches).
        task_ids: integers (rows,), the task of every row of the outputs in every batch; or a
            function that makes them of a batch's `x` and `y`; `None` if tasks have outputs of their
            own. See `keras_mtl.gradients.task_gradients`.
        variables: the variables, or their paths, whose layers are looked at; all trainable ones if
            `None`.

    Raises:
        ValueError: there are no batches, or `every` is neither; when training starts: what
            `task_gradients` refuses, or `path` is a file of other columns.

    Example:

    >>> import numpy as np, keras_mtl
    >>> batches = [(np.ones((4, 2)), {"age": np.ones((4, 1)), "height": np.ones((4, 1))})]
    >>> compliance = keras_mtl.callbacks.ComplianceLogger("compliance.csv", batches, every=100)

    and then `model.fit(…, callbacks=[compliance])`.
    """

    def __init__(
        self,
        path: PathLike,
        batches: Iterable[tuple[Any, ...]],
        every: int | Literal["epoch"] = "epoch",
        task_ids: ArrayLike | Callable[[Any, Any], ArrayLike] | None = None,
        variables: Sequence[keras.Variable | str] | None = None,
    ) -> None:
        super().__init__(path, COLUMNS, every)
        self.batches = list(batches)
        if not self.batches:
            raise ValueError("`batches` must hold at least one batch. Received: none.")
        self.task_ids: list[Any]
        if callable(task_ids):
            self.task_ids = [np.asarray(task_ids(*batch[:2])) for batch in self.batches]
        else:
            self.task_ids = [task_ids] * len(self.batches)
        # A batch may lack the last of the tasks.
        self.num_tasks = None
        if task_ids is not None:
            self.num_tasks = 1 + max(int(np.max(each)) for each in self.task_ids)
        self.variables = variables

    def read(self, model: keras.Model) -> list[tuple[Any, ...]]:
        products = []
        for batch, task_ids in zip(self.batches, self.task_ids, strict=True):
            gradients = task_gradients(
                model,
                batch,
                task_ids=task_ids,
                num_tasks=self.num_tasks,
                variables=self.variables,
            )
            products.append(inner_products(gradients))
        tasks = list(gradients)
        cosines = [cosine_similarity(each) for each in products]
        norms = [gradient_norms(each) for each in products]
        rows = []
        for layer, ratios in update_compliance(products).items():
            cosine = _known_mean([each[layer] for each in cosines])
            # Also where a gradient is not finite, which the mean would leave out.
            cosine[np.isnan(ratios)] = np.nan
            norm = np.mean([each[layer] for each in norms], axis=0)
            for (i, j), ratio in np.ndenumerate(ratios):
                values = (ratio, cosine[i, j], norm[i])
                rows.append((layer, tasks[i], tasks[j], *(f"{x:.9g}" for x in values)))
        return rows


def _known_mean(values):
    """Mean over the first axis of what is not NaN; NaN where all of it is."""
    values = np.ma.masked_invalid(values)
    return values.mean(axis=0).filled(np.nan)
