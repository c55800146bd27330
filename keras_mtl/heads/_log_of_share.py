"""Logarithms of probabilities that may be 0."""

import keras
from keras import ops


def log_of_share(share):
    """The logarithm, in float32; of 0 that of a tiny number, since it is to be multiplied."""
    return ops.log(ops.maximum(ops.cast(share, "float32"), keras.config.epsilon() ** 4))
