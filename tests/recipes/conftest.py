"""The recipes at a miniature size."""

import dataclasses
import gzip
import struct

import numpy as np
import pytest
from tiny_recipes import ATTRIBUTES, SHALLOW, tiny_settings

from keras_mtl.recipes.options import Options
from keras_mtl.recipes.recipe import Run
from keras_mtl.study import Found
from keras_mtl.study.training import Training
from keras_mtl.towers import resnet


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory):
    """Small networks, pictures held out and a folder of Keras' own.

    A ResNet of half the blocks that the smallest has, for most of these tests' time is building
    networks. A module's, for whatever outlives it would change the tests of others.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(resnet.BLOCKS, SHALLOW, (1, 1, 1, 1))
        patch.setattr("keras_mtl.recipes.multi_fashion.HELD_OUT", 40)
        # One for all of them: rendered rooms are kept in it.
        patch.setenv("KERAS_HOME", str(tmp_path_factory.getbasetemp() / "keras"))
        yield


@pytest.fixture(scope="session")
def fashion_dir(tmp_path_factory):
    """Articles that can be told apart: each class is a bar at a height of its own."""
    folder = tmp_path_factory.mktemp("fashion")
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 48), ("t10k", 20)):
        labels = rng.integers(0, 10, count, dtype=np.uint8)
        images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 4 : 2 * label + 7, 4:24] += 190
        _write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", images)
        _write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return folder


def _write_idx(path, values):
    header = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))


@pytest.fixture(scope="session")
def tiny_data(fashion_dir):
    """A function of a recipe, and of settings that are others, that returns settings and data."""
    known = {}

    def load(recipe, **others):
        settings = tiny_settings(recipe, **others)
        key = recipe.problem.folder or recipe.name, repr(settings)
        if key not in known:
            folder = fashion_dir if recipe.name == "multi_fashion" else None
            data = recipe.problem.load(recipe.problem.data_sets[0], settings, folder)
            if recipe.name == "branched_celeba":
                names = data["names"][:ATTRIBUTES]
                data = {
                    part: {name: data[part][name] for name in ("image", *names)}
                    for part in ("train", "validation", "test")
                } | {"names": names}
            known[key] = settings, data
        return known[key]

    return load


@pytest.fixture
def tiny_run(tiny_data, tmp_path):
    """A function that declares a run of a recipe in miniature; it is not started."""

    def declare(recipe, rows=None, tasks=None, seeds=1, folder=tmp_path, **others):
        settings, data = tiny_data(recipe, **others)
        wanted = Options(rows=tuple(rows or ()), seeds=seeds, output=folder)
        options, _ = wanted.filled(recipe)
        tasks = tuple(tasks or settings.tasks or recipe.problem.default_tasks)
        options = dataclasses.replace(options, preset="tiny", tasks=tasks)
        return Run(recipe, options, settings, data)

    return declare


@pytest.fixture
def finished(tiny_run, monkeypatch):
    """A function that declares a run and runs it, to its figures, or also to its page."""

    def finish(recipe, *arguments, page=False, **options):
        run = tiny_run(recipe, *arguments, **options)
        if not page:
            monkeypatch.setattr(Found, "report", lambda self, path: path)
        run.run()
        return run

    return finish


@pytest.fixture
def untrained(monkeypatch):
    """Networks are built and kept, not trained; returns the list of the names of those that were.

    Networks of one task start from the same weights, so they get some noise: else they were alike.
    """
    built = []

    def fit(self, study, at):
        model, path = self.compiled(study), study.file_of(self)
        if len(self.outputs) == 1 and not self.start:
            rng = np.random.default_rng(len(built))
            weights = model.get_weights()
            noise = [rng.normal(0, 0.3, x.shape) * x.std() for x in weights]
            model.set_weights(
                [x if x.dtype.kind != "f" else x + n for x, n in zip(weights, noise, strict=True)]
            )
        for callback in study.callbacks(self):
            if hasattr(callback, "table"):  # The file that a policy's evolution is drawn from.
                callback.table.start(0)
                callback.table.append([(0, 0, *row) for row in callback.read(model)])
        model.save(path)
        built.append(self.name)
        return {"loss": [], "validation_loss": [], "steps": self.steps, "seconds": 0.0}

    monkeypatch.setattr(Training, "_fit", fit)
    return built
