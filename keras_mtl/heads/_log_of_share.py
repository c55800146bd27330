"""Logarithms of probabilities that may be 0."""

import keras
from keras import ops


def log_of_share(share):
    """The logarithm; of 0 that of the least number of its type, since it is to be multiplied."""
    return ops.log(ops.maximum(share, keras.config.epsilon() ** 4))
