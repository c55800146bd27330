"""The alphas of training in TensorBoard."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from keras_mtl._extra import extra
from keras_mtl._types import PathLike
from keras_mtl.callbacks._alpha_callback import AlphaCallback, Mixing


class AlphaTensorBoard(AlphaCallback):
    """Writes the alphas of all `CrossStitch` units of a model for TensorBoard while it trains.

    `<layer>/<task>_from_<other>` is the mean over the channels of the weights with which a unit
    gives a task the features of another (or of itself), a curve over the steps; the same name with
    `/channels` is their histogram. They are written at the start of training, by `every`, and at
    the end. Of a run that goes on from a saved model TensorBoard shows the later steps anew.

    Needs tensorboardX: `pip install 'keras-mtl[tensorboard]'`.

    Args:
        log_dir: the folder.
        every: `"epoch"`, or a number of steps (batches).

    Raises:
        ImportError: tensorboardX is not installed.
        ValueError: `every` is neither; when training starts: the model has no units.

    Example:

    >>> import keras_mtl
    >>> alphas = keras_mtl.callbacks.AlphaTensorBoard("logs", every=100)

    and then `model.fit(…, callbacks=[alphas])`.
    """

    def __init__(self, log_dir: PathLike, every: int | Literal["epoch"] = "epoch") -> None:
        super().__init__(every)
        self.log_dir = log_dir
        self._writer: Any = None
        _summary_writer()  # better now than when training starts

    def start(self, step: int) -> None:
        # Files are named by the second: without the suffix, a run that follows at once would
        # overwrite the one before.
        self._writer = _summary_writer()(
            str(self.log_dir), purge_step=step, filename_suffix=f".{step}"
        )

    def record(self, step: int, epoch: int, mixings: Sequence[Mixing]) -> None:
        for mixing in mixings:
            tag = f"{mixing.layer}/{mixing.task}_from_{mixing.from_task}"
            self._writer.add_scalar(tag, mixing.alpha.mean(), step)
            # Alphas that diverged have no distribution: the scalars show it, training goes on.
            if len(mixing.alpha) > 1 and np.isfinite(mixing.alpha).all():
                # By a name of its own: TensorBoard shows one kind of data a name.
                self._writer.add_histogram(f"{tag}/channels", mixing.alpha, step)
        self._writer.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_end(logs)
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _summary_writer():
    return extra("AlphaTensorBoard needs tensorboardX", "tensorboard", "tensorboardX").SummaryWriter
