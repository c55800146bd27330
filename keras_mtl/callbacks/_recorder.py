"""When something of a model is recorded, whatever it is and wherever it is kept."""

import numbers
from typing import Any, Literal

import keras
from keras import ops


class Recorder(keras.callbacks.Callback):
    """Records something of a model at the start of training, by `every`, and at the end.

    A record's step is the optimizer's own number of updates, which a saved model keeps: a run that
    goes on behind a stop counts on. Subclasses say what `read`, `start` and `record` do.
    """

    def __init__(self, every: int | Literal["epoch"] = "epoch") -> None:
        super().__init__()
        number = isinstance(every, numbers.Integral) and not isinstance(every, bool) and every > 0
        if every != "epoch" and not number:
            raise ValueError(
                f"`every` must be 'epoch' or a number of steps above 0. Received: {every!r}."
            )
        self.every = every
        # Without work behind a batch, Keras need not wait for it.
        self.async_safe = every == "epoch"

    def read(self, model: keras.Model) -> Any:
        """What is to be recorded of a model; ValueError if there is nothing."""
        raise NotImplementedError

    def start(self, step: int) -> None:
        """Called before the first record; earlier records from `step` on are void."""
        raise NotImplementedError

    def record(self, step: int, epoch: int, values: Any) -> None:
        """Keeps what was read as that after `step` updates, in `epoch` begun epochs."""
        raise NotImplementedError

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        # As the model came: when the first epoch begins, other callbacks may change it.
        self._at_start = self.read(self.model)
        self._recorded = None
        self._batches = self._step()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._batches_before = self._batches
        if self._recorded is None:
            self._epochs = epoch
            self.start(self._step())
            self._record(self._at_start)
        # Epochs begun, not ended: behind a batch nobody knows whether it was the last one.
        self._epochs = epoch + 1

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.every == "epoch":
            return
        # Several batches at once, if the model was compiled with `steps_per_execution`.
        before, self._batches = self._batches, self._batches_before + batch + 1
        if before // self.every < self._batches // self.every:
            self._record()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.every == "epoch":
            self._record()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._recorded is not None:
            self._record()

    def _record(self, values=None):
        step = self._step()
        if step != self._recorded:
            self.record(step, self._epochs, self.read(self.model) if values is None else values)
            self._recorded = step

    def _step(self):
        # On JAX `self.model` brings the variables up to date, so it is only asked where needed.
        return int(ops.convert_to_numpy(self.model.optimizer.iterations))
