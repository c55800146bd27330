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
from keras_mtl.recipes._multi_fashion_networks import Settings

# Other recipes' networks are trained on every backend.
pytestmark = pytest.mark.one_backend

FILES = ("one_task_top_left", "one_task_bottom_right", "hard_sharing")
NETWORKS = [*(f"{name}{part}_0" for name in FILES for part in ("_first", "")), "cross_stitch_0"]


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
def miniature():
    settings = Settings(train_images=48, test_images=20, batch_size=16, epochs=1, further_epochs=2)
    presets = pytest.MonkeyPatch()
    presets.setitem(multi_fashion.PRESETS, "mini", settings)
    yield settings
    presets.undo()


@pytest.fixture(scope="module")
def finished(data_dir, miniature, tmp_path_factory):
    output = tmp_path_factory.mktemp("finished")
    return output, multi_fashion.run("mini", data_dir, [0], output)


def test_writes_every_row_and_number(finished):
    output, results = finished
    kept = json.loads((output / "results.json").read_text())
    assert kept == results
    assert tuple(kept["rows"]) == tuple(kept["seeds"]["0"]) == multi_fashion.ROWS
    for row in multi_fashion.ROWS:
        scores = kept["rows"][row]
        accuracy = kept["seeds"]["0"][row]["accuracy"]
        for task in multi_fashion.TASKS:
            assert 0 <= accuracy[task] <= 1
            assert scores[task] == {"mean": pytest.approx(accuracy[task]), "std": None}
        assert scores["average"]["mean"] == pytest.approx(np.mean(list(accuracy.values())))
        assert f"{scores['parameters']:,}" in multi_fashion.format_table(kept)
    tower, head = 260 + 5_020 + 36_050, 510
    stitches = 4 * (10 + 20 + 50)
    assert [kept["rows"][row]["parameters"] for row in multi_fashion.ROWS] == [
        2 * (tower + head),
        tower + 2 * head,
        2 * (tower + head) + stitches,
    ]
    for name in ("predictions.png", "alphas.png"):
        assert (output / name).stat().st_size > 10_000


def test_every_row_takes_the_same_steps(finished, miniature):
    output, _ = finished
    steps = {
        name: int(keras.models.load_model(output / f"{name}.keras").optimizer.iterations)
        for name in NETWORKS
    }
    for name, count in steps.items():
        epochs = miniature.epochs if "first" in name else miniature.further_epochs
        assert count == 3 * epochs, name


def test_second_run_does_not_train(finished, data_dir, monkeypatch, capsys):
    output, results = finished
    monkeypatch.setattr(MultiTaskModel, "fit", None)
    multi_fashion.main(["--data-dir", str(data_dir), "--seeds", "0", "--output", str(output)])
    assert json.loads((output / "results.json").read_text())["rows"] == results["rows"]
    printed = capsys.readouterr().out
    assert multi_fashion.format_table(results) in printed and str(output) in printed


def test_interrupted_run_ends_with_the_same_weights(finished, data_dir, tmp_path, monkeypatch):
    output, results = finished
    trained_again = ("hard_sharing_0", "cross_stitch_0")
    for name in NETWORKS:
        if name not in trained_again:
            shutil.copy(output / f"{name}.keras", tmp_path)
    keep, epochs = _resumable_fit._Keep.on_epoch_end, []

    def interrupted(self, epoch, logs=None):
        if len(epochs) == 3:  # in the second epoch of cross-stitch, behind two of hard sharing
            raise KeyboardInterrupt
        keep(self, epoch, logs)
        epochs.append(epoch)

    with monkeypatch.context() as patch:
        patch.setattr(_resumable_fit._Keep, "on_epoch_end", interrupted)
        with pytest.raises(KeyboardInterrupt):
            multi_fashion.run("mini", data_dir, [0], tmp_path)
    resumed = multi_fashion.run("mini", data_dir, [0], tmp_path)
    assert resumed["rows"] == results["rows"]
    for name in trained_again:
        ours, theirs = (
            keras.models.load_model(folder / f"{name}.keras") for folder in (tmp_path, output)
        )
        assert int(ours.optimizer.iterations) == int(theirs.optimizer.iterations)
        for weight, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, other, name)


def test_refuses_a_folder_with_other_settings(finished, data_dir, miniature, monkeypatch):
    output, _ = finished
    other = dataclasses.replace(miniature, learning_rate=0.5)
    monkeypatch.setitem(multi_fashion.PRESETS, "mini", other)
    with pytest.raises(SystemExit, match="other settings"):
        multi_fashion.run("mini", data_dir, [0], output)


def test_mean_and_deviation_over_the_seeds():
    accuracies = [(0.8, 0.7), (0.82, 0.6), (0.87, 0.8)]
    seeds = {
        str(seed): {
            "one-task": {
                "accuracy": dict(zip(multi_fashion.TASKS, pair, strict=True)),
                "parameters": 7,
            }
        }
        for seed, pair in enumerate(accuracies)
    }
    rows = multi_fashion.aggregate(seeds)
    assert set(rows) == {"one-task"} and rows["one-task"]["seeds"] == 3
    top_left = rows["one-task"]["top_left"]
    assert top_left["mean"] == pytest.approx(0.83)
    assert top_left["std"] == pytest.approx(np.sqrt((0.03**2 + 0.01**2 + 0.04**2) / 2))
    # The deviation of the average is that of the seeds' averages, not an average of deviations.
    averages = [0.75, 0.71, 0.835]
    assert rows["one-task"]["average"]["mean"] == pytest.approx(np.mean(averages))
    assert rows["one-task"]["average"]["std"] == pytest.approx(np.std(averages, ddof=1))
    table = multi_fashion.format_table(
        {"preset": "mini", "backend": "x", "seeds": seeds, "rows": rows}
    )
    assert "83.00 ± 3.61" in table
