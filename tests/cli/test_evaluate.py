"""Scores of what ships, beside those that are recorded, and of files by their own tasks."""

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl import Task
from keras_mtl.applications.catalog import counts
from keras_mtl.cli import main
from keras_mtl.recipes.recipe import Recipe

pytestmark = pytest.mark.one_backend
layers = keras.layers


def test_it_is_compared_with_what_is_recorded(monkeypatch, capsys):
    recorded = counts()["CrossStitchFCN"].scores
    scores = {**recorded, "normals": {**recorded["normals"], "mean": 30.0}}
    monkeypatch.setattr(Recipe, "evaluate", lambda self, model: scores)
    assert main(["evaluate", "CrossStitchFCN"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (mean,) = [line for line in lines if line[:2] == ["normals", "mean"]]
    before = recorded["normals"]["mean"]
    assert mean[2:4] == ["30.000", f"{before:.3f}"]
    assert mean[4] == f"{100 * (30 - before) / before:+.2f}"
    (pixels,) = [line for line in lines if "pixacc" in line]
    assert pixels[-2] == "+0.00"


def test_an_embedding_has_no_tasks_by_name(files, monkeypatch, capsys):
    monkeypatch.setattr(Recipe, "evaluate", lambda self, model: {"retrieval": {"mAP": 0.0}})
    path = str(files / "embedding.keras")
    assert main(["evaluate", "ModulatedEmbedding", "--weights", path]) == 0
    (line,) = [line.split() for line in capsys.readouterr().out.splitlines() if "mAP" in line]
    assert line[2] == "0.000" and line[-2:] == ["-100.00", "%"]


@pytest.fixture
def score(tmp_path, monkeypatch, capsys):
    """A function of tasks that writes a network of them and scores it; beside it some rooms."""
    rng = np.random.default_rng(0)
    rooms = {"image": rng.integers(0, 256, (5, 32, 32, 3), dtype="uint8")}
    rooms["depth"] = rng.uniform(1, 4, (5, 32, 32)).astype("float32")
    rooms["normals"] = np.tile(np.float32([0, 0, -1]), (5, 32, 32, 1))
    rooms["segmentation"] = rng.integers(0, 17, (5, 32, 32), dtype="uint8")
    monkeypatch.setattr("keras_mtl.datasets.rooms.load", lambda split, size, count: rooms)

    def scored(**tasks):
        net = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 64, name="low")])
        tower = keras_mtl.towers.Tower(net, [])
        sharing = keras_mtl.sharing.Branched.hard_sharing()
        model = keras_mtl.MultiTaskModel(tower, sharing, tasks, name="own")
        model.save(tmp_path / "own.keras")
        code = main(["evaluate", str(tmp_path / "own.keras")])
        return model, code, capsys.readouterr()

    return scored, rooms


def test_a_file_is_scored_by_its_own_tasks(score):
    """The same as counted by hand."""
    scored, rooms = score
    model, code, printed = scored(
        depth=Task.depth(head=layers.Conv2D(1, 1)),
        segmentation=Task.segmentation(17, head=layers.Conv2D(17, 1)),
        edges=Task.map(1, head=layers.Conv2D(1, 1)),
    )
    assert code == 0 and not printed.err
    found = model.predict_on_batch(rooms["image"].astype("float32"))
    error = np.abs(np.asarray(found["depth"])[..., 0] - rooms["depth"]).mean()
    assert f"{100 * error:.3f}" in printed.out and "absolute error cm" in printed.out
    right = np.asarray(found["segmentation"]).argmax(axis=-1) == rooms["segmentation"]
    (pixels,) = [line.split() for line in printed.out.splitlines() if "pixels %" in line]
    assert float(pixels[-1]) == pytest.approx(100 * right.mean(), abs=1e-3)


TWO = keras.Model(image := keras.Input((32, 32, 3)), {"one": image, "two": image})
UNFIT = {
    "own cannot be scored on rooms: it must know what depth is scored by": (
        lambda: {"depth": layers.Conv2D(1, 1)}
    ),
    "rooms have segmentation, normals, depth, keypoints, edges, not age; rooms have": (
        lambda: {"age": Task.regression(), "height": Task.regression()}
    ),
    "it must have one output of depth": (
        lambda: {"depth": Task(TWO, loss={"one": "mse", "two": "mse"})}
    ),
    "segmentation must have the 17 classes of rooms, not 3": (
        lambda: {"segmentation": Task.segmentation(3, head=layers.Conv2D(3, 1))}
    ),
    "segmentation must be of classes, not of numbers": (
        lambda: {"segmentation": Task.regression(head=layers.Conv2D(17, 1))}
    ),
    "depth must be of numbers, not of classes": (
        lambda: {"depth": Task.segmentation(3, head=layers.Conv2D(3, 1))}
    ),
    "depth must be of the pictures' size, 32×32×channels, not 16×16×1": (
        lambda: {"depth": Task.depth(head=layers.Conv2D(1, 1, strides=2))}
    ),
    "32×32×channels, not 1": (
        lambda: {"depth": Task.depth(head=keras.Sequential([layers.Flatten(), layers.Dense(1)]))}
    ),
    "own cannot be scored on rooms: `y_true` and `y_pred` must have one shape": (
        lambda: {"depth": Task.depth(head=layers.Conv2D(2, 1))}
    ),
}


@pytest.mark.parametrize("told", UNFIT)
def test_what_rooms_cannot_score(told, score):
    _, code, printed = score[0](**UNFIT[told]())
    (line,) = printed.err.splitlines()
    assert code == 1 and told in line and "--debug" not in line and not printed.out
