"""A run that was stopped ends as one that was not, on every backend."""

import keras
import numpy as np
import pytest

from keras_mtl.datasets import ArrayBatches
from keras_mtl.recipes._resumable_fit import resumable_fit


class Stop(keras.callbacks.Callback):
    """Stops a run in its second epoch."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_dropout_goes_on_where_it_was(rng, tmp_path):
    x = rng.normal(size=(8, 4)).astype("float32")

    def build():
        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(6, kernel_initializer=keras.initializers.GlorotUniform(0)),
                keras.layers.Dropout(0.5, seed=3),
                keras.layers.Dense(1, kernel_initializer=keras.initializers.GlorotUniform(1)),
            ]
        )
        model = keras.Model(model.inputs[0], {"y": model.outputs[0]})
        model.compile(keras.optimizers.Adam(0.01), loss={"y": "mse"})
        return model

    def run(name, callbacks=()):
        data = ArrayBatches(x, {"y": x[:, :1]}, 4, seed=1)
        return resumable_fit(build, data, 3, tmp_path / f"{name}.keras", name, callbacks)

    whole = run("whole")
    with pytest.raises(KeyboardInterrupt):
        run("stopped", [Stop()])
    resumed = run("stopped")
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
