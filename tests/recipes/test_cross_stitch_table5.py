"""The recipe at a miniature size: what it writes, and that a stopped run ends the same."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from recipes import _resumable_fit, _segmentation_and_normals, cross_stitch_table5
from recipes._results import open_folder

TINY = dataclasses.replace(
    _segmentation_and_normals.PRESETS["mini"],
    size=32,
    train_images=8,
    test_images=5,
    batch_size=4,
    network={"width": 0.03, "stem_strides": 2, "padding": "same", "rescale": 1 / 64},
    one_task_iterations={"segmentation": 4, "normals": 4},
    further_iterations=4,
)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setitem(_segmentation_and_normals.PRESETS, "tiny", TINY)
    return tmp_path / "run"


def weights(path):
    return keras.models.load_model(path, compile=False).get_weights()


def test_a_run_writes_what_it_promises_and_a_second_one_trains_nothing(tiny, capsys):
    results = cross_stitch_table5.run("tiny", "rooms", 0, tiny)
    assert json.loads((tiny / "results.json").read_text()) == results
    assert list(results["rows"]) == ["one-task", "cross-stitch", "ensemble"]
    rows = results["rows"]
    for row in rows.values():
        assert 0 < row["normals"]["mean_angular_error"] < 180
        assert 0 <= row["segmentation"]["pixel_accuracy"] <= 1
        assert len(row["segmentation"]["per_class_iu"]) == 17
    assert rows["ensemble"]["parameters"] == 2 * rows["one-task"]["parameters"]
    alphas = rows["cross-stitch"]["parameters"] - rows["one-task"]["parameters"]
    model = keras.models.load_model(tiny / "cross_stitch.keras", compile=False)
    assert alphas == sum(
        model.get_layer(f"stitch_{s}").count_params()
        for s in ("pool1", "pool2", "pool5", "fc6", "fc7")
    )
    for picture in ("predictions", "alphas", "gain_per_class"):
        assert (tiny / f"{picture}.png").stat().st_size > 1000
    table = cross_stitch_table5.format_table(results)
    assert f"{100 * rows['cross-stitch']['segmentation']['mean_iu']:8.1f}" in table

    capsys.readouterr()
    again = cross_stitch_table5.run("tiny", "rooms", 0, tiny)
    assert "epoch" not in capsys.readouterr().out
    assert again["rows"] == rows


def test_a_stopped_run_goes_on_to_the_same_weights(tiny, monkeypatch):
    whole = _segmentation_and_normals.Pair(TINY, tiny / "whole", seed=0)
    stopped = _segmentation_and_normals.Pair(TINY, tiny / "stopped", seed=0)
    for pair in (whole, stopped):
        pair.folder.mkdir(parents=True)
    whole.one_task("normals")

    class Stop(Exception):
        pass

    keep = _resumable_fit._Keep.on_epoch_end

    def keep_and_stop(self, epoch, logs=None):
        keep(self, epoch, logs)
        raise Stop

    with monkeypatch.context() as patch, pytest.raises(Stop):
        patch.setattr(_resumable_fit._Keep, "on_epoch_end", keep_and_stop)
        stopped.one_task("normals")
    stopped.one_task("normals")
    name = "one_task_normals_0.keras"
    for ours, theirs in zip(
        weights(tiny / "whole" / name), weights(tiny / "stopped" / name), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)


def test_a_folder_of_another_run_is_refused(tmp_path):
    open_folder(tmp_path, {"seed": 0})
    open_folder(tmp_path, {"seed": 0})
    with pytest.raises(SystemExit, match="other settings"):
        open_folder(tmp_path, {"seed": 1})


def test_the_paper_preset_holds_the_papers_numbers():
    paper = _segmentation_and_normals.PRESETS["paper"]
    assert paper.one_task_iterations == {"segmentation": 25_000, "normals": 15_000}
    assert (paper.further_iterations, paper.batch_size, paper.momentum) == (10_000, 20, 0.9)
    assert cross_stitch_table5.PAPER["cross-stitch"] == (
        34.1, 18.2, 39.0, 54.4, 60.2, 47.2, 19.3, 34.0
    )  # fmt: skip
