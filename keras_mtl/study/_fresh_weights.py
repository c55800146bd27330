"""Networks as they were before they learned anything."""

import keras
import numpy as np
from keras import ops

from keras_mtl.graphs.copy_state import copy_state
from keras_mtl.graphs.layers_within import layers_within
from keras_mtl.study._draws import draws_of


def fresh_weights(model: keras.Model, seed: int) -> keras.Model:
    """A functional model of the same layers, whose weights are drawn anew.

    Frozen layers, and what a layer has been adapted to, such as the statistics of a
    `Normalization`, stay as they are, however deep they are.
    """
    with draws_of(seed):
        fresh = keras.models.clone_model(model)
    for theirs, ours in _pairs(model, fresh):
        if not theirs.trainable_weights:
            copy_state(theirs, ours, settings=True)
    return fresh


def is_untrained(model: keras.Model) -> bool | None:
    """Whether weights that start from one number, such as biases from 0, are all at it still.

    `None` if no weight does so, and it cannot be said.
    """
    starts = 0
    with draws_of(0):
        fresh = keras.models.clone_model(model)
    for theirs, ours in _pairs(model, fresh):
        if ours.trainable and not ours.trainable_weights:
            continue  # What it holds is no weight that is learned.
        for weight, new in zip(theirs.weights, ours.weights, strict=True):
            start = ops.convert_to_numpy(ops.cast(new, "float32"))
            if start.size and np.ptp(start) == 0 and "seed_generator" not in new.path:
                starts += 1
                if not np.array_equal(ops.convert_to_numpy(ops.cast(weight, "float32")), start):
                    return False
    return True if starts else None


def _pairs(model, fresh):
    """The layers of both that have weights, but those that only hold others."""
    for theirs, ours in zip(layers_within(model), layers_within(fresh), strict=True):
        if theirs.weights and not [each for each in theirs._layers if each.weights]:
            yield theirs, ours
