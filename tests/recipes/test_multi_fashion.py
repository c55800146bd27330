"""The table of Multi-Fashion: every row, equal steps, runs that were stopped."""

import dataclasses
import gzip
import json
import shutil
import struct

import keras
import numpy as np
import pytest

from keras_mtl import MultiTaskModel
from keras_mtl.recipes import _resumable_fit, multi_fashion
from keras_mtl.recipes._fashion_networks import FashionNetworks
from keras_mtl.recipes._format import cells, format_table

# Other recipes' networks are trained on every backend.
pytestmark = pytest.mark.one_backend

TABLE = multi_fashion.TABLE
TASKS = TABLE.problem.tasks
ONE_TASK = [f"one_task_{task}_0{further}" for task in TASKS for further in ("", "_further")]
NETWORKS = [*ONE_TASK, "hard_sharing_first", "hard_sharing", "cross_stitch"]


def write_idx(path, values):
    header = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Articles that can be told apart: each class is a bar at a height of its own."""
    folder = tmp_path_factory.mktemp("fashion")
    rng = np.random.default_rng(0)
    for prefix, count in (("train", 48), ("t10k", 20)):
        labels = rng.integers(0, 10, count, dtype=np.uint8)
        images = rng.integers(0, 60, (count, 28, 28), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label + 4 : 2 * label + 7, 4:24] += 190
        write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)
    return folder


@pytest.fixture(scope="module", autouse=True)
def tiny():
    """An epoch of three steps, and two further ones."""
    presets = TABLE.problem.presets
    settings = dataclasses.replace(
        presets["mini"],
        train_images=48,
        test_images=20,
        batch_size=16,
        one_task_iterations=dict.fromkeys(TASKS, 3),
        further_iterations=6,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(presets, "tiny", settings)
        yield settings


@pytest.fixture(scope="module")
def finished(data_dir, tiny, tmp_path_factory):
    output = tmp_path_factory.mktemp("finished")
    return output, TABLE.run("tiny", data_dir=data_dir, output=output)


def test_writes_every_row_and_number(finished):
    output, results = finished
    kept = json.loads((output / TABLE.recipe / "results.json").read_text())
    assert kept == results and kept["data"] == "multi_fashion"
    assert list(kept["rows"]) == list(TABLE.rows)
    heading, lines = cells(TABLE, kept)
    for row, line in lines.items():
        shown = dict(zip(heading, line, strict=True))
        entry = kept["rows"][row]["seeds"]["0"]
        for task, name in zip(TASKS, ("top left", "bottom right"), strict=True):
            assert 0 <= entry[task]["accuracy"] <= 1
            assert shown[name] == f"{100 * entry[task]['accuracy']:.2f}"
    tower, head = 260 + 5_020 + 36_050, 510
    stitches = 4 * (10 + 20 + 50)
    assert [row["parameters"] for row in kept["rows"].values()] == [
        2 * (tower + head),
        tower + 2 * head,
        2 * (tower + head) + stitches,
    ]
    for name in ("predictions.png", "alphas.png"):
        assert (output / TABLE.recipe / name).stat().st_size > 10_000


def test_accuracy_is_of_the_labels_that_networks_give(finished, data_dir, tiny):
    output, results = finished
    data = TABLE.problem.load("multi_fashion", tiny, data_dir)
    networks = FashionNetworks(tiny, data, TASKS, output / "seed_0", 0)
    model = networks.hard_sharing()
    logits = model.predict(data.test["image"].astype("float32"), verbose=0)
    of_row = results["rows"]["hard sharing"]["seeds"]["0"]
    for task in TASKS:
        right = [logits[task][n].argmax() == data.test[task][n] for n in range(20)]
        assert of_row[task]["accuracy"] == pytest.approx(sum(right) / 20)


def test_every_row_takes_the_same_steps(finished):
    output, _ = finished
    for name in NETWORKS:
        model = keras.models.load_model(output / "seed_0" / f"{name}.keras")
        first = name == "hard_sharing_first" or name in ONE_TASK[::2]
        assert int(model.optimizer.iterations) == (3 if first else 6), name
        schedule = model.optimizer.get_config()["learning_rate"]
        if first:
            assert schedule == pytest.approx(0.03)
        else:
            # Along half a cosine to zero, with the last step.
            rate = keras.optimizers.schedules.CosineDecay.from_config(schedule["config"])
            assert [float(rate(step)) for step in (0, 3, 6)] == pytest.approx([0.03, 0.015, 0])


def test_second_run_does_not_train(finished, data_dir, monkeypatch, capsys):
    output, results = finished
    monkeypatch.setattr(MultiTaskModel, "fit", None)
    folders = ["--data-dir", str(data_dir), "--output", str(output)]
    TABLE.main(multi_fashion.__doc__, ["--preset", "tiny", *folders])
    kept = json.loads((output / TABLE.recipe / "results.json").read_text())
    assert kept["rows"] == results["rows"]
    printed = capsys.readouterr().out
    assert format_table(TABLE, results) in printed and str(output) in printed


def test_interrupted_run_ends_with_the_same_weights(finished, data_dir, tmp_path, monkeypatch):
    output, results = finished
    (tmp_path / "seed_0").mkdir()
    trained_again = ("hard_sharing", "cross_stitch")
    for name in NETWORKS:
        if name not in trained_again:
            shutil.copy(output / "seed_0" / f"{name}.keras", tmp_path / "seed_0")
    keep, epochs = _resumable_fit._Keep.on_epoch_end, []

    def interrupted(self, epoch, logs=None):
        if len(epochs) == 3:  # in the second epoch of cross-stitch, behind two of hard sharing
            raise KeyboardInterrupt
        keep(self, epoch, logs)
        epochs.append(epoch)

    with monkeypatch.context() as patch:
        patch.setattr(_resumable_fit._Keep, "on_epoch_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            TABLE.run("tiny", data_dir=data_dir, output=tmp_path)
    resumed = TABLE.run("tiny", data_dir=data_dir, output=tmp_path)
    for row, of_row in results["rows"].items():
        ours, theirs = resumed["rows"][row]["seeds"]["0"], of_row["seeds"]["0"]
        assert [ours[task] for task in TASKS] == [theirs[task] for task in TASKS]
    for name in trained_again:
        ours, theirs = (
            keras.models.load_model(folder / "seed_0" / f"{name}.keras")
            for folder in (tmp_path, output)
        )
        assert int(ours.optimizer.iterations) == int(theirs.optimizer.iterations)
        for weight, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, other, name)


def test_refuses_a_folder_with_other_settings(finished, data_dir, tiny, monkeypatch):
    output, _ = finished
    other = dataclasses.replace(tiny, learning_rate=0.5)
    monkeypatch.setitem(TABLE.problem.presets, "tiny", other)
    with pytest.raises(SystemExit, match="other settings"):
        TABLE.run("tiny", data_dir=data_dir, output=output)


def test_mean_and_deviation_over_the_seeds():
    accuracies = [(0.8, 0.7), (0.82, 0.6), (0.87, 0.8)]
    seeds = {
        str(seed): {task: {"accuracy": each} for task, each in zip(TASKS, pair, strict=True)}
        for seed, pair in enumerate(accuracies)
    }
    rows = {"one-task": {"parameters": 7, "macs": 1e6, "seeds": seeds}}
    results = {"preset": "mini", "data": "multi_fashion", "backend": "x", "tasks": list(TASKS)}
    _, lines = cells(TABLE, {**results, "rows": rows})
    assert lines["one-task"][:2] == ["83.00 ± 3.61", "70.00 ± 10.00"]
    assert "83.00 ± 3.61" in format_table(TABLE, {**results, "rows": rows})


def test_presets_have_the_published_lengths():
    """100 epochs of 60,000 pictures in batches of 256, an incomplete one left out."""
    paper = TABLE.problem.presets["paper"]
    steps = paper.one_task_iterations["top_left"] + paper.further_iterations
    assert steps / 100 == 60_000 // 256 == 234
    mini = TABLE.problem.presets["mini"]
    assert mini.one_task_iterations == dict.fromkeys(TASKS, 558)
