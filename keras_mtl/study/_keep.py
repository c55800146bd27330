"""A network that is kept while it trains, so that a stopped run goes on."""

import json
import math
import time

import keras

from keras_mtl._whole_file import whole_file

EVERY = 20
"""Seconds between two times that it is kept, and that a line of progress is printed."""


class Keep(keras.callbacks.Callback):
    """Writes the network now and then behind an epoch, whole or not at all, and tells of it.

    Args:
        training: the `Training`.
        path: its `.keras` file; what it has lost in each epoch so far goes beside it.
        length: number of steps of an epoch.
        model: its network, compiled, new or of that file.
    """

    def __init__(self, training, path, length, model):
        super().__init__()
        self.set_model(model)
        self.training, self.path, self.length = training, path, length
        self.epochs = -(-int(model.optimizer.iterations) // length)
        self._log = path.with_suffix(".json")
        before = {"losses": [], "seconds": 0.0}
        if self.epochs and self._log.exists():
            before = json.loads(self._log.read_text())
        self.losses = before["losses"][: self.epochs]
        self.seconds = before["seconds"]
        """Of the runs before this one."""
        self._began = self._written = time.monotonic()
        self._kept = self.epochs

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise FloatingPointError(f"the loss of epoch {epoch + 1} is {logs['loss']}")
        self.losses.append(logs["loss"])
        self.epochs = epoch + 1
        if time.monotonic() - self._written > EVERY:
            self.write()
            self._tell(logs["loss"])

    def write(self):
        """Writes what there is since it was last written."""
        if self._kept == self.epochs:
            return
        spent = self.seconds + time.monotonic() - self._began
        # First: of what is ahead of the network the rest is cut off when it is read.
        with whole_file(self._log) as unfinished:
            unfinished.write_text(json.dumps({"losses": self.losses, "seconds": spent}))
        with whole_file(self.path) as unfinished:
            self.model.save(unfinished)
        self._kept, self._written = self.epochs, time.monotonic()

    def _tell(self, loss):
        done, steps = self.epochs * self.length, self.training.steps
        print(f"{self.training.name}: step {done} of {steps}, loss {loss:.4g}", flush=True)
