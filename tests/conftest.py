"""Shared by all tests: a quiet backend and reproducible draws."""

import atexit
import os
import shutil
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The tests run in as many processes as there are cores: more threads would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Half of the suite's time on JAX is XLA optimising small graphs that run once.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

# Many a test trains the same model again: what JAX has compiled is shared by all processes.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="jax_cache_")
    atexit.register(shutil.rmtree, os.environ["JAX_COMPILATION_CACHE_DIR"], ignore_errors=True)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import random

import keras
import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(20160627)


@pytest.fixture(autouse=True)
def _same_draws_in_every_run():
    # What Keras takes its seeds from. `keras.utils.set_random_seed` would do the same and import
    # TensorFlow under every backend.
    random.seed(20160627)
    np.random.seed(20160627)


def pytest_collection_modifyitems(items):
    if keras.backend.backend() != "torch":
        skip = pytest.mark.skip(reason="does not depend on the backend: runs on PyTorch")
        for item in items:
            if item.get_closest_marker("one_backend"):
                item.add_marker(skip)
