"""`model.fit` that a stopped run picks up again, to the bit."""

import math
from pathlib import Path

import keras

from keras_mtl._whole_file import whole_file
from keras_mtl.study._draws import RepeatableDraws


def resumable_fit(build, data, epochs, path, label, callbacks=()):
    """Trains a model, or loads it if an earlier run has trained it.

    The model and its optimizer are kept in `path` while they train and after. A run that was
    stopped goes on behind the last epoch that it kept and ends with the very same weights.

    Args:
        build: function that returns the compiled Keras model; called if there is no file yet.
        data: batches with an `epoch`, such as an `ArrayBatches`.
        epochs: number of epochs.
        path: the `.keras` file.
        label: what the progress line says.
        callbacks: further Keras callbacks, which depend on the epoch alone.

    Returns:
        The trained model.

    Raises:
        Diverged: the loss is no longer finite; the file holds the last epoch in which it was.
    """
    path = Path(path)
    model = keras.models.load_model(path) if path.exists() else build()
    start = int(model.optimizer.iterations) // len(data)
    if start < epochs:
        print(f"{label}: epoch {start} of {epochs}", flush=True)
        model.fit(
            data,
            initial_epoch=start,
            epochs=epochs,
            shuffle=False,  # the data shuffles itself, by its own seed
            verbose=0,
            callbacks=[RepeatableDraws(data), *callbacks, _Keep(path, epochs, label)],
        )
    else:
        print(f"{label}: trained by an earlier run ({path})", flush=True)
    return model


class Diverged(ArithmeticError):
    """Training has diverged."""


class _Keep(keras.callbacks.Callback):
    """Writes the model behind every epoch, whole or not at all, and a line of progress."""

    def __init__(self, path, epochs, label):
        super().__init__()
        self.path, self.epochs, self.label = path, epochs, label

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite(logs["loss"]):
            raise Diverged(f"{self.label}: the loss of epoch {epoch + 1} is {logs['loss']}")
        with whole_file(self.path) as unfinished:
            self.model.save(unfinished)
        loss = f"loss {logs['loss']:.3f}"
        print(f"{self.label}: epoch {epoch + 1} of {self.epochs}, {loss}", flush=True)
