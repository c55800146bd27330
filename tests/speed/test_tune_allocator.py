"""tune_allocator: what a process frees is there when it next asks."""

import os
import subprocess
import sys

import pytest

from keras_mtl import tune_allocator

pytestmark = pytest.mark.one_backend

GLIBC = sys.platform == "linux" and "CS_GNU_LIBC_VERSION" in os.confstr_names
CHOICES = {"MALLOC_TRIM_THRESHOLD_": "0"}, {"GLIBC_TUNABLES": "glibc.malloc.mmap_max=9"}
# Pages that blocks of 64 MB cost, the first and the next ones.
PAGES = """
import importlib.util, resource, sys
import numpy as np
spec = importlib.util.spec_from_file_location("tune_allocator", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2**23)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(sys.argv[2] == "tuned" and module.tune_allocator(), pages(), pages() + pages())
"""


def pages(how, environment=()):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))}
    module = sys.modules[tune_allocator.__module__]
    command = [sys.executable, "-c", PAGES, module.__file__, how]
    env = {**kept, "OMP_NUM_THREADS": "1", **dict(environment)}
    took, *counts = subprocess.check_output(command, env=env, text=True).split()
    return took == "True", *map(int, counts)


@pytest.mark.skipif(not GLIBC, reason="glibc's allocator alone can be told so")
def test_memory_is_asked_for_once():
    _, first, next_ones = pages("as it is")
    assert next_ones >= first
    took, first, next_ones = pages("tuned")
    assert took and next_ones < first / 10


@pytest.mark.parametrize("environment", CHOICES, ids=lambda each: next(iter(each)))
def test_what_the_environment_chose_stays(environment):
    took, first, next_ones = pages("tuned", environment)
    assert not took and next_ones >= first


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_left_alone(platform, monkeypatch):
    monkeypatch.setattr(sys, "platform", platform)
    assert tune_allocator() is False


def test_an_allocator_that_cannot_be_told_is_left_alone(monkeypatch):
    """As Alpine Linux's."""
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert tune_allocator() is False
