"""Initial weights drawn by NumPy."""

import keras
import numpy as np
from keras import ops


def draw_by_numpy(patch):
    """JAX compiles the drawing of every shape of weight: half a minute for a file of tests."""

    def draw(self, shape, dtype=None):
        spread = (2 / np.prod(shape[:-1])) ** 0.5
        return ops.cast(np.random.default_rng(self.seed).normal(0, spread, shape), dtype)

    patch.setattr(keras.initializers.VarianceScaling, "__call__", draw)
