"""Table 6: its rows and its figures."""

import dataclasses
import json

import numpy as np
import pytest
from published_files.voc2008_attributes import (
    shrink_voc2008_attributes,
    write_voc2008_attributes,
)

from keras_mtl.boxes import iou
from keras_mtl.recipes import _detection_networks, _format, _networks, cross_stitch_table6
from keras_mtl.recipes._detection_data import DetectionData
from keras_mtl.recipes._detection_networks import DetectionNetworks
from keras_mtl.recipes._detection_settings import PRESETS

TABLE6 = cross_stitch_table6.TABLE


@pytest.fixture
def networks(tiny_detection_data, tmp_path):
    return DetectionNetworks(
        *tiny_detection_data, ("detection", "attributes"), tmp_path / "networks", seed=0
    )


@pytest.fixture
def guessing(monkeypatch):
    """Outputs are random: JAX would compile every row's networks."""

    def guess(model, images, rois, **options):
        rng = np.random.default_rng(len(model.models))
        for image, boxes in zip(images, rois, strict=True):
            outputs = {
                "detection_classes": rng.dirichlet(np.ones(15), len(boxes)),
                "detection_boxes": rng.normal(size=(len(boxes), 60)),
                "attributes": rng.random((len(boxes), 24)),
            }
            yield outputs, boxes, image.shape[:2]

    monkeypatch.setattr(_detection_networks, "predict_regions", guess)


@pytest.mark.one_backend
def test_table6_writes_what_it_promises_and_goes_on(
    tiny_detection, untrained, guessing, tmp_path, capsys
):
    rows = TABLE6.run("tiny", rows=["one-task", "split fc7"], output=tmp_path)["rows"]
    count = len(untrained)
    results = TABLE6.run("tiny", output=tmp_path)
    assert list(results["rows"]) == list(TABLE6.default_rows)
    assert results["rows"]["split fc7"] == rows["split fc7"]
    assert "seed 0, one-task: known" in capsys.readouterr().out
    assert len(untrained) > count
    path = tmp_path / "cross_stitch_table6" / "results.json"
    assert json.loads(path.read_text()) == results
    num_classes, num_attributes = 14, 24
    for of_row in results["rows"].values():
        scores = of_row["seeds"]["0"]
        assert len(scores["detection"]["ap"]) == num_classes
        assert len(scores["attributes"]["ap"]) == num_attributes
        for task in ("detection", "attributes"):
            known = [each for each in scores[task]["ap"] if each is not None]
            assert scores[task]["mean_ap"] == pytest.approx(np.mean(known))
    sizes = {row: of_row["parameters"] for row, of_row in results["rows"].items()}
    assert sizes["ensemble"] == 2 * sizes["one-task"]
    assert sizes["one-task"] + 12 == sizes["cross-stitch"]  # three units of 2 × 2
    assert sizes["one-task"] > sizes["split conv2"] > sizes["split fc7"]
    for picture in ("detections.jpg", "alphas.png", "gain_per_attribute.png", "splits.png"):
        assert (path.parent / picture).stat().st_size > 1000
    heading, cells = _format.cells(TABLE6, results)
    assert heading[:2] == ["det mAP", "attr mAP"]
    assert all(len(line) == len(heading) for line in cells.values())


@pytest.mark.one_backend
def test_networks_learn_from_both_tasks(networks):
    """Four steps and four further ones, saved and resumed as the dense ones are."""
    stitched = networks.cross_stitched()
    assert int(stitched.optimizer.iterations) == 4
    scores = networks.scores([stitched])
    assert 0 <= scores["detection"]["mean_ap"] <= 1
    assert 0 < scores["attributes"]["mean_ap"] <= 1
    names = {path.stem for path in networks.folder.iterdir()}
    assert names == {"one_task_detection_0", "one_task_attributes_0", "cross_stitch"}


def test_perfect_detections_score_one(networks, monkeypatch):
    """The scores are of the right objects: outputs made from the truth."""
    test = networks.data.test
    truths = zip(test["boxes"], test["classes"], test["attributes"], strict=True)
    found = [
        {"boxes": boxes, "classes": classes, "scores": np.ones(len(boxes))}
        for boxes, classes, _ in truths
    ]
    attributes = [each.astype(float) for each in test["attributes"]]
    monkeypatch.setattr(networks, "predict", lambda models: (found, attributes))
    scores = networks.scores([])
    assert scores["detection"]["mean_ap"] == scores["attributes"]["mean_ap"] == 1


def test_proposals_of_rooms_lie_around_objects(tiny_detection_data):
    _, data = tiny_detection_data
    for split in (data.train, data.test):
        overlaps = [
            iou(boxes, proposals).max(axis=1)
            for boxes, proposals in zip(split["boxes"], split["proposals"], strict=True)
            if len(boxes)
        ]
        assert np.concatenate(overlaps).mean() > 0.4
        assert {len(each) for each in split["proposals"]} == {8}
    assert min(map(min, (c for c in data.train["classes"] if len(c)))) >= 1
    assert max(map(max, (c for c in data.train["classes"] if len(c)))) <= 14


def test_the_paper_preset_and_rows():
    paper = PRESETS["paper"]
    assert (paper.learning_rate, paper.rate_falls_after, paper.batch_size) == (1e-3, 30_000, 2)
    assert paper.batch_size * paper.rois_per_image == 128
    assert TABLE6.paper["cross-stitch"] == (45.2, 63.0)
    assert all(len(numbers) == 2 for numbers in TABLE6.paper.values())


@pytest.mark.one_backend
def test_photographs(tiny_detection_data, untrained, tmp_path, monkeypatch, capsys):
    """From the published files to a row of the table."""
    pytest.importorskip("cv2")
    write_voc2008_attributes(tmp_path)
    shrink_voc2008_attributes(monkeypatch)
    settings = dataclasses.replace(
        tiny_detection_data[0], train_images=1, shortest_side=30, batch_size=1
    )
    monkeypatch.setitem(PRESETS, "photographs", settings)
    cache = tmp_path / "cache"
    data = DetectionData("voc2008_attributes", settings, tmp_path, cache)
    assert len(data.train["image"]) == len(data.train["boxes"]) == len(data.train["proposals"]) == 1
    assert data.train["image"][0].shape == (26, 32, 3)
    assert len(data.test["truths"]) == 1 and data.test["names"] == ["2008_000015.jpg"]
    searched = sorted((cache / "proposals").iterdir())
    assert not (tmp_path / "proposals").exists() and not (tmp_path / "prepared").exists()
    assert len(searched) == 2
    options = ["--data", "voc2008_attributes", "--data-dir", str(tmp_path), "--rows", "one-task"]
    options += ["--cache-dir", str(cache)]
    TABLE6.main("", ["--preset", "photographs", *options, "--output", str(tmp_path / "out")])
    assert sorted((cache / "proposals").iterdir()) == searched
    (path,) = (tmp_path / "out").rglob("results.json")
    scores = json.loads(path.read_text())["rows"]["one-task"]["seeds"]["0"]
    assert len(scores["detection"]["ap"]) == 20 and len(scores["attributes"]["ap"]) == 64
    assert "one-task" in capsys.readouterr().out


def test_the_rate_falls_where_it_is_said_to(tiny_detection_data, tmp_path, monkeypatch):
    settings, data = tiny_detection_data
    settings = dataclasses.replace(settings, annealed=False, rate_falls_after=2)
    monkeypatch.setattr(_networks, "resumable_fit", lambda build, *rest: build())
    networks = DetectionNetworks(settings, data, ("detection",), tmp_path, seed=0)
    rates = [
        [float(model.optimizer._learning_rate(step)) for step in (0, 2, 3)]
        for model in (networks.one_task("detection"), networks.further("detection"))
    ]
    rate = settings.learning_rate
    np.testing.assert_allclose(rates[0], [rate, rate, rate / 10], rtol=1e-5)
    np.testing.assert_allclose(rates[1][1:], [rate / 10, rate / 10], rtol=1e-5)
