"""What Keras draws, as a function of a seed."""

import contextlib
import random
from collections.abc import Iterator

import keras
import numpy as np


@contextlib.contextmanager
def draws_of(seed: int) -> Iterator[None]:
    """Within it layers without a seed of their own take theirs from this one.

    `keras.utils.set_random_seed` would do the same, import TensorFlow under every backend, and
    change the draws of the caller's program.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


class RepeatableDraws(keras.callbacks.Callback):
    """Makes the order of the data and all random draws functions of the epoch.

    Keras does not keep the state of seed generators in a `.keras` file.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.epoch = epoch
        for variable in self.model.variables:
            if variable.path.endswith("seed_generator_state"):
                seed = keras.ops.convert_to_numpy(variable)[0]
                variable.assign(np.array([seed, epoch * len(self.batches)], variable.dtype))
