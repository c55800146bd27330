"""Shared by the tests of the zoo: quick weights."""

import keras
import numpy as np
import pytest
from keras import ops


@pytest.fixture(autouse=True)
def weights_by_numpy(monkeypatch):
    """JAX compiles the drawing of every shape of weight: half a minute for these tests."""

    def draw(self, shape, dtype=None):
        spread = (2 / np.prod(shape[:-1])) ** 0.5
        return ops.cast(np.random.default_rng(self.seed).normal(0, spread, shape), dtype)

    monkeypatch.setattr(keras.initializers.VarianceScaling, "__call__", draw)
