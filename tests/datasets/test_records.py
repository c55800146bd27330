"""What stands between `load` and the files that TFDS prepares: processes, packages, logging."""

import errno
import logging
import os
import random
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from published_files.celeba import shrink_celeba, write_celeba
from published_files.cityscapes_mtl import shrink_cityscapes, write_cityscapes
from published_files.nyuv2 import TRAIN, shrink_nyuv2, write_nyuv2
from published_files.taskonomy import shrink_taskonomy, write_taskonomy
from published_files.ut_zappos50k import shrink_ut_zappos50k, write_ut_zappos50k
from published_files.voc2008_attributes import (
    shrink_voc2008_attributes,
    write_voc2008_attributes,
)

from keras_mtl import datasets
from keras_mtl.datasets import nyuv2

pytestmark = pytest.mark.one_backend

FILES = {
    "celeba": (write_celeba, shrink_celeba),
    "cityscapes_mtl": (write_cityscapes, shrink_cityscapes),
    "nyuv2": (write_nyuv2, shrink_nyuv2),
    "taskonomy": (write_taskonomy, shrink_taskonomy),
    "ut_zappos50k": (write_ut_zappos50k, shrink_ut_zappos50k),
    "voc2008_attributes": (
        lambda folder, rng: write_voc2008_attributes(folder),
        shrink_voc2008_attributes,
    ),
}


@pytest.fixture
def files(tmp_path, rng, monkeypatch):
    shrink_nyuv2(monkeypatch)
    return tmp_path, write_nyuv2(tmp_path, rng)["image"][np.array(TRAIN) - 1]


# Prepares and reads; then prepares again elsewhere, and stalls when the training split is written.
IN_ANOTHER_PROCESS = """
import pathlib, sys, time
import pytest
from published_files.nyuv2 import shrink_nyuv2
from keras_mtl.datasets import nyuv2

shrink_nyuv2(pytest.MonkeyPatch())
folder = pathlib.Path(sys.argv[1])
before = set(sys.modules)
train = nyuv2.load("train", folder, cache_dir=folder / "whole")
total = sum(int(image.sum()) for image in train["image"])
new = {name.split(".")[0] for name in set(sys.modules) - before}
print("read", total, train["normals"].shape, "tensorflow" in sys.modules, flush=True)
print("imported", new & {"tensorflow", "jax", "torch"}, flush=True)

from keras_mtl.datasets.nyuv2 import nyuv2_dataset_builder as builder
example, calls = builder._example, []

def stall(*arguments):
    calls.append(arguments)
    if len(calls) == 5:
        (folder / "stalled").touch()
        time.sleep(60)
    return example(*arguments)

builder._example = stall
nyuv2.load("train", folder)
"""


def test_in_another_process_that_is_killed(files):
    """It imports no backend; what it leaves is not taken for the data, nor stands in the way."""
    folder, images = files
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", IN_ANOTHER_PROCESS, str(folder)],
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not (folder / "stalled").exists():
        time.sleep(0.02)
    process.kill()
    output, _ = process.communicate()
    assert f"read {images.sum(dtype=int)} {images.shape} False\nimported set()\n" in output

    prepared = folder / "prepared" / "nyuv2"
    (left,) = prepared.iterdir()
    assert left.name.startswith("incomplete") and list(left.glob("*train*"))
    np.testing.assert_array_equal(nyuv2.load("train", folder)["image"], images)
    assert {each.name for each in prepared.iterdir()} == {left.name, "1.0.0"}
    assert not list((prepared / "1.0.0").glob("incomplete*"))


def test_prepared_by_two_at_once(files, monkeypatch):
    """While one prepares another one does, and is done before."""
    folder, images = files
    from keras_mtl.datasets.nyuv2 import nyuv2_dataset_builder as builder

    example, other = builder._example, []

    def overtaken(*arguments):
        if not other:
            other.append(None)
            random.seed(1)
            other[0] = nyuv2.load("train", folder)["image"]
        return example(*arguments)

    monkeypatch.setattr(builder, "_example", overtaken)
    random.seed(1)
    np.testing.assert_array_equal(nyuv2.load("train", folder)["image"], images)
    np.testing.assert_array_equal(other[0], images)
    assert [each.name for each in (folder / "prepared" / "nyuv2").iterdir()] == ["1.0.0"]


def test_preparing_leaves_no_trace(files, caplog):
    """Draws after it are those of the next run, which prepares nothing; nothing is warned of."""
    folder, _ = files
    state = random.getstate()
    with caplog.at_level(logging.WARNING):
        nyuv2.load("train", folder)
    assert random.getstate() == state
    assert not caplog.records


def test_too_many_open_files_are_no_damage(files):
    """Whoever is told that files are damaged removes them, and prepares for hours."""
    folder, images = files
    train = nyuv2.load("train", folder)["image"]
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        with pytest.raises(OSError) as raised:
            train[0]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert re.match("The prepared files in .* could not be read: .*open files", str(raised.value))
    np.testing.assert_array_equal(nyuv2.load("train", folder)["image"], images)


def test_a_folder_that_cannot_be_written(files, monkeypatch):
    """Root may write everywhere: the system's refusal is played."""
    folder, images = files
    mkdir = os.mkdir

    def refused(path, *arguments, **options):
        if Path(path).is_relative_to(folder / "prepared"):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        mkdir(path, *arguments, **options)

    monkeypatch.setattr(os, "mkdir", refused)
    message = (
        f"`cache_dir` .* must be a folder that can be written.*{folder / 'prepared'}.*Read-only"
    )
    with pytest.raises(OSError, match=message) as raised:
        nyuv2.load("train", folder)
    assert raised.value.errno == errno.EROFS
    train = nyuv2.load("train", folder, cache_dir=folder / "elsewhere")
    np.testing.assert_array_equal(train["image"], images)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("package", ["tensorflow_datasets", "array_record", "importlib_resources"])
def test_without_tfds(name, package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"`pip install 'keras-mtl\[data\]'`"):
        getattr(datasets, name).load("train", tmp_path)


@pytest.mark.parametrize(
    ("name", "package"), [*((name, "PIL") for name in FILES), ("nyuv2", "h5py")]
)
def test_without_what_reads_files(name, package, tmp_path, rng, monkeypatch):
    write, shrink = FILES[name]
    write(tmp_path, rng)
    shrink(monkeypatch)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r"`pip install 'keras-mtl\[data\]'`"):
        getattr(datasets, name).load("train", tmp_path)
