"""The alphas of training as a table in a file."""

from collections.abc import Iterable
from typing import Literal

from keras_mtl._types import PathLike
from keras_mtl.callbacks._alpha_callback import AlphaCallback, Mixing
from keras_mtl.callbacks._step_table import TableRecorder

COLUMNS = ("step", "epoch", "layer", "task", "from_task", "mean", "min", "max")


class AlphaLogger(AlphaCallback, TableRecorder):
    """Writes the alphas of all `CrossStitch` units of a model to a CSV file while it trains.

    A row tells with what weights a unit (`layer`) gives a `task` the features of the task
    `from_task`: their mean, smallest and largest over the channels, after `step` updates, the last
    of them in the epoch of number `epoch` (the first is 1; 0 before training). Rows are written at
    the start of training, by `every`, and at the end; `keras_mtl.callbacks.read_alphas` reads them,
    `keras_mtl.plots.alpha_history` draws them.

    The rows of a step are written at once, so that a run that is killed leaves a readable file. A
    run that goes on from a saved model, whose optimizer knows its step, goes on in the same file;
    rows from that step on are written anew. So a run from step 0 starts the file anew.

    Args:
        path: the file.
        every: `"epoch"`, or a number of steps (batches).
        channels: whether to add a column `alpha` of the values of all channels, parted by spaces.

    Raises:
        ValueError: `every` is neither; when training starts: the model has no units, or `path` is
            a file of other columns.

    Example:

    >>> import keras_mtl
    >>> alphas = keras_mtl.callbacks.AlphaLogger("alphas.csv", every=100)

    and then `model.fit(…, callbacks=[alphas])`.
    """

    def __init__(
        self, path: PathLike, every: int | Literal["epoch"] = "epoch", channels: bool = False
    ) -> None:
        super().__init__(path, (*COLUMNS, "alpha") if channels else COLUMNS, every)

    def record(self, step: int, epoch: int, mixings: Iterable[Mixing]) -> None:
        rows = [(*mixing[:-1], *self._values(mixing.alpha)) for mixing in mixings]
        super().record(step, epoch, rows)

    def _values(self, alpha):
        # Nine digits tell every float32 from every other.
        values = [f"{x:.9g}" for x in (alpha.mean(dtype="float64"), alpha.min(), alpha.max())]
        if "alpha" in self.table.columns:
            values.append(" ".join(f"{x:.9g}" for x in alpha))
        return values
