"""Small towers whose blocks can be skipped, and weights that leave nothing as it was made."""

import keras
import numpy as np
from keras import layers, ops

from keras_mtl.towers import Tower

BLOCKS = ["one", "two", "three"]
TASKS = ["a", "b"]
IMAGE = (7, 7, 2)


def dense_tower(width=4, normalize=False):
    """A stem and three blocks that keep the width; with normalisation they are residual."""
    image = keras.Input((5,))
    x = layers.Dense(width, name="stem")(image)
    for name in BLOCKS:
        if normalize:
            y = layers.Dense(width, name=f"{name}_dense")(x)
            y = layers.BatchNormalization(momentum=0.8, name=f"{name}_norm")(y)
            x = layers.ReLU(name=name)(layers.Add(name=f"{name}_add")([x, y]))
        else:
            x = layers.Dense(width, activation="tanh", name=name)(x)
    return Tower(keras.Model(image, x), ["stem", *BLOCKS])


def conv_tower():
    """Residual blocks in the form of a ResNet's: the second strides and has a projection."""
    image = keras.Input(IMAGE)
    x = layers.Conv2D(3, 3, padding="same", activation="relu", name="stem")(image)
    for name, channels, strides in zip(BLOCKS, (3, 4, 4), (1, 2, 1), strict=True):
        shortcut = x
        if strides > 1:
            shortcut = layers.Conv2D(channels, 1, strides, name=f"{name}_shortcut_conv")(x)
            shortcut = layers.BatchNormalization(name=f"{name}_shortcut")(shortcut)
        y = layers.Conv2D(channels, 3, strides, padding="same", name=f"{name}_conv")(x)
        y = layers.BatchNormalization(name=f"{name}_norm")(y)
        x = layers.ReLU(name=name)(layers.Add(name=f"{name}_add")([shortcut, y]))
    return Tower(keras.Model(image, x), ["stem", *BLOCKS])


def pooled(tasks=TASKS):
    """Heads that show the features as they are."""
    return {task: layers.GlobalAveragePooling2D() for task in tasks}


def randomize(model, rng):
    """All weights but the policy's; activations stay near 1."""
    for weight in model.weights:
        if "skip_policy" in weight.path:
            continue
        shape = tuple(weight.shape)
        if len(shape) > 1:
            weight.assign(rng.normal(size=shape) * (2 / np.prod(shape[:-1])) ** 0.5)
        elif "variance" in weight.path or "gamma" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, size=shape))
        else:
            weight.assign(rng.normal(0, 0.3, size=shape))
    return model


def decide(model, policy):
    """Sets logits by which inference goes by an array (tasks, blocks) of ones and zeros."""
    execute = 40.0 * np.asarray(policy, float)
    model.get_layer("skip_policy").logits.assign(np.stack([execute, 40 - execute], axis=-1))
    return model


def outputs(model, x, training=False):
    return {task: ops.convert_to_numpy(y) for task, y in model(x, training=training).items()}


def state(model):
    return {weight.path: ops.convert_to_numpy(weight).copy() for weight in model.weights}


def assert_close(one, other, tolerance=1e-5):
    assert set(one) == set(other)
    for key in one:
        assert np.abs(one[key]).max() > 1e-3, key
        np.testing.assert_allclose(one[key], other[key], rtol=tolerance, atol=tolerance)
