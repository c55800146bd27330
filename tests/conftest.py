"""Shared by all tests: a quiet backend and a random generator."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Half of the suite's time on JAX is XLA optimising small graphs that run once.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20160627)
