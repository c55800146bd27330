"""A network that is kept while it trains, so that a stopped run goes on."""

import json
import math
import shutil
import time

import keras
import numpy as np

from keras_mtl._files import whole_file

EVERY = 20
"""Seconds between two times that it is kept."""
TOLD = 0.5
"""Seconds between two times that is told how far it is."""


class Keep(keras.callbacks.Callback):
    """Writes the network now and then behind an epoch, whole or not at all.

    Where a training has patience, it is ended after so many epochs without a lower loss on the
    validation examples, and the network of the best epoch is what is left.

    Args:
        training: the `Training`.
        path: its `.keras` file; what it has lost in each epoch so far goes beside it.
        length: number of steps of an epoch.
        model: its network, compiled, new or of that file.
        at: `None`, or a function that is told of the training, the step that it is at, and its
            loss, now and then.
    """

    # What is told needs no step to be waited for.
    async_safe = True

    def __init__(self, training, path, length, model, at=None):
        super().__init__()
        self.set_model(model)
        self.training, self.path, self.length = training, path, length
        self.epochs = -(-int(model.optimizer.iterations) // length)
        self._log, self._best = path.with_suffix(".json"), path.with_suffix(".best.keras")
        before = {"loss": [], "validation": [], "seconds": 0.0}
        if self.epochs and self._log.exists():
            before = json.loads(self._log.read_text())
        self.losses = before["loss"][: self.epochs]
        self.validation = before["validation"][: self.epochs]
        self.seconds = before["seconds"]
        """Of the runs before this one."""
        self._began = self._written = time.monotonic()
        self._told = -math.inf
        self.at = at
        self._kept = self.epochs
        if self._is_best() and not self._best.exists():
            # Stopped when the best network had taken its place, before it was recorded.
            self._save(self._best)

    @property
    def is_over(self):
        """Whether no patience is left."""
        behind = len(self.validation) - 1 - np.argmin(self.validation) if self.validation else 0
        return self.training.patience is not None and behind >= self.training.patience

    def on_train_batch_end(self, batch, logs=None):
        if self.at is not None and time.monotonic() - self._told > TOLD:
            self._told = time.monotonic()
            self.at(self.training, self.epochs * self.length + batch + 1, logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        for name in ("loss", *(["val_loss"] if self.training.patience is not None else [])):
            if not math.isfinite(logs[name]):
                raise FloatingPointError(f"the {name} of epoch {epoch + 1} is {logs[name]}")
        self.losses.append(logs["loss"])
        self.epochs = epoch + 1
        if self.training.patience is not None:
            self.validation.append(logs["val_loss"])
            if self._is_best():
                self._save(self._best)
        if self.is_over:
            self.model.stop_training = True
        if time.monotonic() - self._written > EVERY:
            self._write()

    def end(self):
        """Leaves the network as it is at the end, or as it was at its best."""
        if self.training.callbacks:
            self._kept = None  # They may have changed it when all epochs were over.
        self._write()
        if self._best.exists():
            with whole_file(self.path) as unfinished:
                shutil.copy(self._best, unfinished)
            self._best.unlink()

    def _is_best(self):
        """Whether the last epoch is the best one so far."""
        return bool(self.validation) and np.argmin(self.validation) == len(self.validation) - 1

    def _write(self):
        """Writes what has come since it was last written."""
        if self._kept == self.epochs:
            return
        log = {
            "loss": self.losses,
            "validation": self.validation,
            "seconds": self.seconds + time.monotonic() - self._began,
        }
        # First: of what is ahead of the network the rest is cut off when it is read.
        with whole_file(self._log) as unfinished:
            unfinished.write_text(json.dumps(log))
        self._save(self.path)
        self._kept, self._written = self.epochs, time.monotonic()

    def _save(self, path):
        with whole_file(path) as unfinished:
            self.model.save(unfinished)
