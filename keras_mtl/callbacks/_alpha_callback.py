"""When alphas are recorded, and what they are: common to all ways of keeping them."""

import numbers
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from keras_mtl.layers import CrossStitch
from keras_mtl.multi_task_model import MultiTaskModel


class Mixing(NamedTuple):
    """With what weights one task takes in the features of one task (itself or another)."""

    layer: str
    task: str
    from_task: str
    alpha: np.ndarray  # (channels,), or (1,) of a unit for the whole layer


class AlphaCallback(keras.callbacks.Callback):
    """Records the alphas of all `CrossStitch` units at the start, by `every`, and at the end.

    A record's step is the optimizer's own number of updates, which a saved model keeps: a run that
    goes on behind a stop counts on. Subclasses say what `start` and `record` do.
    """

    def __init__(self, every="epoch"):
        super().__init__()
        number = isinstance(every, numbers.Integral) and not isinstance(every, bool) and every > 0
        if every != "epoch" and not number:
            raise ValueError(
                f"`every` must be 'epoch' or a number of steps above 0. Received: {every!r}."
            )
        self.every = every
        # Without work behind a batch, Keras need not wait for it.
        self.async_safe = every == "epoch"

    def start(self, step):
        """Called before the first record; earlier records from `step` on are void."""
        raise NotImplementedError

    def record(self, step, epoch, mixings):
        """Keeps a list of `Mixing`s as those after `step` updates, in `epoch` begun epochs."""
        raise NotImplementedError

    def on_train_begin(self, logs=None):
        if not list(units_by_path(self.model)):
            raise ValueError(
                f"{type(self).__name__}: the model must have CrossStitch units. "
                f"Received: {self.model.name!r}."
            )
        self._recorded = None
        self._batches = self._step()

    def on_epoch_begin(self, epoch, logs=None):
        self._batches_before = self._batches
        if self._recorded is None:
            self._epochs = epoch
            self.start(self._step())
            self._record()
        # Epochs begun, not ended: behind a batch nobody knows whether it was the last one.
        self._epochs = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if self.every == "epoch":
            return
        # Several batches at once, if the model was compiled with `steps_per_execution`.
        before, self._batches = self._batches, self._batches_before + batch + 1
        if before // self.every < self._batches // self.every:
            self._record()

    def on_epoch_end(self, epoch, logs=None):
        if self.every == "epoch":
            self._record()

    def on_train_end(self, logs=None):
        if self._recorded is not None:
            self._record()

    def _record(self):
        step = self._step()
        if step != self._recorded:
            self.record(step, self._epochs, _mixings(self.model))
            self._recorded = step

    def _step(self):
        # On JAX `self.model` brings the variables up to date, so it is only asked where needed.
        return int(ops.convert_to_numpy(self.model.optimizer.iterations))


def units_by_path(model, prefix=""):
    """Pairs of a path and a unit, of the units of a model and of the models within it."""
    for layer in model.layers:
        if isinstance(layer, CrossStitch):
            yield f"{prefix}{layer.name}", layer
        elif isinstance(layer, keras.Model):
            yield from units_by_path(layer, f"{prefix}{layer.name}/")


def _mixings(model):
    mixings = []
    for path, unit in units_by_path(model):
        alpha = ops.convert_to_numpy(unit.alpha)
        known = isinstance(model, MultiTaskModel) and len(model.tasks) == len(alpha)
        tasks = model.tasks if known else range(len(alpha))
        for task, row in zip(tasks, alpha, strict=True):
            for other, values in zip(tasks, row, strict=True):
                mixings.append(Mixing(path, str(task), str(other), np.atleast_1d(values)))
    return mixings
