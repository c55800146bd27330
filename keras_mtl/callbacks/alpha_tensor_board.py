"""The alphas of training in TensorBoard."""

import numpy as np

from keras_mtl.callbacks._alpha_callback import AlphaCallback


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

    def __init__(self, log_dir, every="epoch"):
        super().__init__(every)
        self.log_dir = log_dir
        self._writer = None
        _summary_writer()  # better now than when training starts

    def start(self, step):
        # Files are named by the second: without the suffix, a run that follows at once would
        # overwrite the one before.
        self._writer = _summary_writer()(
            str(self.log_dir), purge_step=step, filename_suffix=f".{step}"
        )

    def record(self, step, epoch, mixings):
        for mixing in mixings:
            tag = f"{mixing.layer}/{mixing.task}_from_{mixing.from_task}"
            self._writer.add_scalar(tag, mixing.alpha.mean(), step)
            # Alphas that diverged have no distribution: the scalars show it, training goes on.
            if len(mixing.alpha) > 1 and np.isfinite(mixing.alpha).all():
                # By a name of its own: TensorBoard shows one kind of data a name.
                self._writer.add_histogram(f"{tag}/channels", mixing.alpha, step)
        self._writer.flush()

    def on_train_end(self, logs=None):
        super().on_train_end(logs)
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _summary_writer():
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        raise ImportError(
            "AlphaTensorBoard needs tensorboardX: install it with "
            "`pip install 'keras-mtl[tensorboard]'`."
        ) from error
    return SummaryWriter
