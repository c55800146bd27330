"""Shared by all tests: a quiet backend and reproducible draws."""

import gc
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# The tests run in as many processes as there are cores: more threads would wait for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Most of the suite's time on JAX would be XLA optimising small graphs that run once.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
)

# Compiling is most of JAX's time: processes share what one has compiled, and so does the next run.
os.environ.setdefault(
    "JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".cache" / "jax")
)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import random

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


def pytest_collection_modifyitems(config, items):
    # Imported here, for the process that hands out the tests runs none.
    import keras
    from keras.src.utils import module_utils

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        # What Grappler would do to graphs that run once takes longer than they do.
        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    else:
        # As where TensorFlow is not installed: Keras would take seconds and half a gigabyte in
        # every process to look whether a configuration holds one of its types. By its module, for
        # pytest looks into what a file of tests imports, and so would import TensorFlow.
        module_utils.tensorflow._available = False
    others = ("one_backend", "whole_network")
    left = [item for item in items if any(map(item.get_closest_marker, others))]
    if left and keras.backend.backend() != "torch":
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]


def pytest_collection_finish():
    # Else a tenth of the time is looking through what was imported for garbage, again and again.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
