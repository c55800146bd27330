"""Networks as they were before they learned anything."""

import keras
import numpy as np
from keras import ops

from keras_mtl._copy_state import copy_state
from keras_mtl.study._draws import draws_of


def fresh_weights(model: keras.Model, seed: int) -> keras.Model:
    """A functional model of the same layers, whose weights are drawn anew.

    What a layer has been adapted to, such as the statistics of a `Normalization`, stays.
    """
    with draws_of(seed):
        fresh = keras.models.clone_model(model)
    for theirs, ours in zip(model.layers, fresh.layers, strict=True):
        if theirs.weights and not theirs.trainable_weights and theirs.trainable:
            copy_state(theirs, ours)
    return fresh


def is_untrained(model: keras.Model) -> bool:
    """Whether weights that start from one number, such as biases from 0, are all at it still.

    A network of which no weight does so is taken for a trained one.
    """
    starts = 0
    for ours, new in zip(model.weights, fresh_weights(model, 0).weights, strict=True):
        start = ops.convert_to_numpy(ops.cast(new, "float32"))
        if start.size and np.ptp(start) == 0 and new.trainable:
            starts += 1
            if not np.array_equal(ops.convert_to_numpy(ops.cast(ours, "float32")), start):
                return False
    return starts > 0
