"""Small studies, of two tasks on vectors, that train within a second."""

import keras
import numpy as np

import keras_mtl

TASKS = ("age", "species")


def examples(count, seed=0):
    """A number and one of three classes, both made of the same features."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 4)).astype("float32")
    return x, {
        "age": x[:, :1] * x[:, 1:2],
        "species": (x[:, 0] > 0).astype("int32") + (x[:, 2] > 0),
    }


def network():
    x = image = keras.Input((4,))
    for number in range(2):
        x = keras.layers.Dense(6, "tanh", name=f"dense{number}")(keras.layers.Dropout(0.1)(x))
    return keras.Model(image, x)


def tasks():
    return {"age": keras_mtl.Task.regression(), "species": keras_mtl.Task.classification(3)}
