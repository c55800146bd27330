"""Rows of single recipes: that they are the networks that the papers say."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops
from tiny_recipes import ALL

from keras_mtl.boxes import iou
from keras_mtl.datasets import rooms
from keras_mtl.recipes.problems import detection
from keras_mtl.recipes.problems.retrieval import (
    BY_RANK,
    attribute_labels,
    mean_compliance,
    property_labels,
)
from keras_mtl.study import Budget

pytestmark = pytest.mark.one_backend


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def networks_of(run, row):
    """The trainings of a row."""
    (found,) = [each for each in run.study.rows if each.contender == row]
    return found.networks


# Cross-stitch


@pytest.mark.slow
def test_alphas_move_with_the_factor(finished):
    rows = finished(ALL["cross_stitch_table2"], ["factor 1", "factor 1,000"]).results["rows"]

    def moved(factor):
        units = rows[f"factor {factor:,}"]["seeds"]["0"]["alphas"].values()
        return np.mean([unit["moved"] for unit in units])

    assert 0 < moved(1) < 1e-3
    assert moved(1000) > 100 * moved(1)


def test_table2_has_the_papers_rate_behind_the_common_start(tiny_run):
    study = tiny_run(ALL["cross_stitch_table2"], ["one-task", "factor 10"]).study
    for row in study.rows:
        for each in row.networks:
            assert float(study.optimizer(each).learning_rate) == pytest.approx(1e-3)
            for first in each.start:
                assert first.optimizer is None
    assert len(study.trainings) == 5  # The first parts are the same for both rows.


def test_towers_that_start_from_image_labels_are_alike(tiny_run):
    run = tiny_run(ALL["cross_stitch_table3"], ["from image labels"])
    (labels, first, last) = _before(networks_of(run, "from image labels")[0])
    assert labels.outputs == (("image_labels", "image_labels"),)
    labels.run(run.study)
    model = first.compiled(run.study)
    for stage in model.stages:
        one, other = (model.stage(task, stage).get_weights() for task in run.tasks)
        assert_same(one, other)
        theirs = run.study.network(labels).stage("image_labels", stage).get_weights()
        assert_same(one, theirs)
    assert last.start == (first,)


def _before(training):
    (first,) = training.start
    return [*first.start, first, training]


def test_image_labels_say_what_is_in_the_picture(tiny_data):
    _, data = tiny_data(ALL["cross_stitch_table3"])
    labels = data.train["image_labels"]
    for label, picture in zip(labels, data.train["segmentation"], strict=True):
        assert set(np.flatnonzero(label)) == set(np.unique(picture)) - {255}


def test_rectified_rows_differ_in_their_normals_only(finished, untrained):
    run = finished(ALL["cross_stitch_manhattan"], ["one-task", "one-task, rectified"])
    plain, rectified = (row["seeds"]["0"] for row in run.results["rows"].values())
    assert plain["segmentation"] == rectified["segmentation"]
    assert plain["normals"] != rectified["normals"]


def test_there_is_nothing_to_rectify_without_normals(finished, untrained):
    rows = ["one-task, rectified"]
    run = finished(ALL["cross_stitch_manhattan"], rows, ("segmentation", "depth"))
    plain, rectified = (row["seeds"]["0"] for row in run.results["rows"].values())
    assert plain["depth"] == rectified["depth"]


@pytest.mark.slow
def test_three_tasks_make_a_table(finished, untrained):
    tasks = ("segmentation", "normals", "depth")
    rows = finished(ALL["cross_stitch_table5"], ["one-task", "MTL-shared"], tasks).results["rows"]
    assert rows["MTL-shared"]["seeds"]["0"]["depth"]["absolute_error"] > 0


def test_proposals_of_rooms_lie_around_objects(tiny_data):
    _, data = tiny_data(ALL["cross_stitch_table6"])
    for part in (data.train, data.validation, data.test):
        overlaps = [
            iou(boxes, proposals).max(axis=1)
            for boxes, proposals in zip(part["boxes"], part["proposals"], strict=True)
            if len(boxes)
        ]
        assert np.concatenate(overlaps).mean() > 0.4
        assert {len(each) for each in part["proposals"]} == {8}
        classes = np.concatenate(part["classes"])
        assert classes.min() >= 1 and classes.max() <= 14


def test_perfect_detections_score_one(tiny_run, monkeypatch):
    """The scores are of the right objects: outputs made from the truth."""
    study = tiny_run(ALL["cross_stitch_table6"], ["one-task"]).study
    test = study.data.test
    found = [
        {"boxes": boxes, "classes": classes, "scores": np.ones(len(boxes))}
        for boxes, classes in zip(test["boxes"], test["classes"], strict=True)
    ]
    attributes = [each.astype(float) for each in test["attributes"]]
    monkeypatch.setattr(study, "predict", lambda models, part: (found, attributes))
    scores = study.scores([], study.test)
    assert scores["detection"]["mean_ap"] == scores["attributes"]["mean_ap"] == 1


@pytest.mark.slow
def test_detectors_learn_from_both_tasks(finished):
    rows = finished(ALL["cross_stitch_table6"], ["one-task", "cross-stitch"]).results["rows"]
    entry = rows["cross-stitch"]["seeds"]["0"]
    assert 0 <= entry["detection"]["mean_ap"] <= 1 and 0 < entry["attributes"]["mean_ap"] <= 1
    assert rows["one-task"]["parameters"] + 12 == rows["cross-stitch"]["parameters"]  # 3 of 2 × 2


def test_heads_of_detectors_drop_different_features(tiny_data):
    settings, data = tiny_data(ALL["cross_stitch_table6"])
    tasks = ALL["cross_stitch_table6"].problem.tasks
    made = [detection.head_of(settings, data, task)(5) for task in tasks]
    assert len({head.get_config()["seed"] for head in made}) == 2


# AdaShare


@pytest.mark.slow
def test_policies_are_ranked_and_the_random_one_skips_as_many(tiny_run, untrained):
    tasks = ("segmentation", "depth")
    several = {"candidates": 2, "retrained": 2}
    run = tiny_run(ALL["adashare_nyuv2"], ["AdaShare", "random policy"], tasks, **several)
    study, candidates = run.study, networks_of(run, "AdaShare")
    assert [each.sharing.rank for each in candidates] == [0, 1]
    search = candidates[0].chosen_from[0]
    search.run(study)
    model = study.network(search)
    logits = np.random.default_rng(0).normal(size=(2, 4, 2))
    model.get_layer("skip_policy").logits.assign(logits)
    model.save(study.file_of(search))
    run.study.run()
    run.write()
    best, other = (each.sharing.choose(study, each).policy for each in candidates)
    assert best != other
    chosen, random = (
        run.networks(row)[0].get_config()["sharing"]["config"]["policy"]
        for row in ("AdaShare", "random policy")
    )
    assert chosen in (best, other)
    assert {task: sum(row) for task, row in random.items()} == {
        task: sum(row) for task, row in chosen.items()
    }
    # Each task by itself costs of a shared trunk what separate networks cost.
    rows = run.results["rows"]
    assert all(of_row["task_macs"] >= of_row["macs"] > 0 for of_row in rows.values())


def test_the_search_is_that_of_the_settings(tiny_run):
    run = tiny_run(ALL["adashare_nyuv2"], ["AdaShare"])
    (search,) = [each for each in run.study.trainings if each.search]
    optimizer = run.study.optimizer(search)
    assert search.steps == 3 * (2 + 1) and len(run.study.batches(search)) == 3
    config = optimizer.get_config()
    assert config["warm_up_steps"] == 3 and tuple(config["steps"]) == (2, 1)


def test_the_rate_of_the_search_stays(tiny_run):
    budget = Budget(4, 4, annealed=False, falls_every=2, falls_by=0.5)
    run = tiny_run(ALL["adashare_nyuv2"], ["AdaShare"], steps=budget)
    (search,) = [each for each in run.study.trainings if each.search]
    config = run.study.optimizer(search).get_config()
    assert isinstance(config["weights"]["config"]["learning_rate"], float)
    assert isinstance(config["warm_up"]["config"]["learning_rate"], dict)


# Balancings


def test_every_balancing_has_a_row_and_starts_where_its_sharing_does(tiny_run, tmp_path):
    recipe, steps = ALL["balancing_rooms"], {"steps": Budget(0, 4)}
    made = tiny_run(recipe, recipe.rows, folder=tmp_path / "all", **steps)
    methods = {}
    for row in recipe.rows:
        sharing, _, method = row.partition(" + ")
        for each in networks_of(made, row):
            assert not each.start and each.steps == 4
            assert (type(each.balancing).__name__ if each.balancing else "") == method
        methods.setdefault(sharing, []).append(method)
    assert len(methods["hard sharing"]) == 16 and set(methods["one-task"]) == {""}
    assert set(methods["cross-stitch"]) < set(methods["hard sharing"])
    # No two rows are the same network under another name.
    assert len({each.hash for each in made.study.trainings}) == 3 + len(recipe.rows) - 1
    plain, balanced = (
        networks_of(made, row)[0].compiled(made.study)
        for row in ("cross-stitch", "cross-stitch + DBMTL")
    )
    for stage in plain.stages:
        ours, theirs = (each.stage("depth", stage).get_weights() for each in (plain, balanced))
        assert_same(ours, theirs)


def test_the_page_has_a_table_of_sharings_by_balancings(finished):
    rows = ["hard sharing + GradNorm", "cross-stitch + PCGrad"]
    run = finished(ALL["balancing_rooms"], rows, page=True, steps=Budget(0, 4))
    page = run.path.with_name("report.html").read_text()
    assert "by sharing and balancing" in page
    sizes = {row: of_row["parameters"] for row, of_row in run.results["rows"].items()}
    assert sizes["hard sharing + GradNorm"] < sizes["one-task"] < sizes["cross-stitch + PCGrad"]


# Branched networks


@pytest.mark.slow
def test_trees_fit_their_budget_and_start_from_the_one_task_networks(finished, untrained):
    rows = ["one-task", "hard sharing", "branched 2×", "random tree 2×", "worst tree 2×"]
    run = finished(dataclasses.replace(ALL["branched_cityscapes"], draw=None), rows)
    sizes = {row: of_row["parameters"] for row, of_row in run.results["rows"].items()}
    # The trees that a searched one must beat are of its size.
    assert sizes["branched 2×"] == sizes["random tree 2×"] == sizes["worst tree 2×"]
    tower = run.study.tower(0).model.count_params()
    assert sizes["branched 2×"] <= sizes["hard sharing"] + tower
    trees = {row: run.results["rows"][row]["seeds"]["0"]["trees"][0] for row in rows[2:]}
    assert trees["branched 2×"] != trees["worst tree 2×"]
    (training,) = networks_of(run, "branched 2×")
    model, before = training.compiled(run.study), {}
    for each in training.start:
        before[each.outputs[0][0]] = run.study.network(each)
    for task in run.tasks:
        group = next(each for each in trees["branched 2×"]["block4_1"] if task in each)
        theirs = before[group[0]].stage(group[0], "block4_1").get_weights()
        assert_same(model.stage(task, "block4_1").get_weights(), theirs)


@pytest.mark.slow
def test_all_tasks_are_learned_and_scored(finished):
    """Also labels of whole pictures and offsets, on pictures that are augmented."""
    recipe, tasks = ALL["branched_taskonomy"], ("image_labels", "segmentation", "instances")
    weights = dict.fromkeys(tasks, 1.0)
    run = finished(
        dataclasses.replace(recipe, draw=None),
        ["hard sharing"],
        tasks,
        task_weights=weights,
        augmented=True,
    )
    entry = run.results["rows"]["hard sharing"]["seeds"]["0"]
    assert 0 < entry["image_labels"]["mean_ap"] <= 1
    assert 0 < entry["instances"]["absolute_error"] < 10
    (training,) = networks_of(run, "hard sharing")
    batches = run.study.batches(training)
    images, targets = batches[0]
    plain = run.data.train["image"][batches.order()[: len(images)]]
    assert (images != plain).any() and targets["image_labels"].shape == (len(images), 17)


def test_heads_of_one_network_drop_different_features(tiny_run, tmp_path):
    for name in ("branched_rooms", "branched_celeba"):
        study = tiny_run(ALL[name], ["hard sharing"], folder=tmp_path / name).study
        network = study.rows[-1].networks[0]
        made = network.built(study, network.sharing)
        seeds = [made.head(task).get_config()["seed"] for task in made.tasks]
        assert len(set(seeds)) == len(seeds)


@pytest.mark.slow
def test_accuracies_of_attributes_are_what_networks_say(finished, untrained):
    run = finished(ALL["branched_celeba"], ["one-task"])
    entry, test = run.results["rows"]["one-task"]["seeds"]["0"]["attributes"], run.study.test
    for model, (name, accuracy) in zip(
        run.networks("one-task"), entry["accuracies"].items(), strict=True
    ):
        logits = ops.convert_to_numpy(model(test.x.astype("float32"))[name])
        assert accuracy == pytest.approx(np.mean((logits > 0) == test.y[name]))
    assert entry["accuracy"] == pytest.approx(np.mean(list(entry["accuracies"].values())))


# Modulation


def test_rows_of_embeddings_start_alike_and_see_the_same_triplets(tiny_run):
    run = tiny_run(ALL["modulation_zappos50k"], ["one-task", "fully shared", "modulated"])
    made = {row: networks_of(run, row)[0] for row in run.wanted}
    models = {row: each.compiled(run.study) for row, each in made.items()}
    for layer in (each for each in models["fully shared"].layers if each.weights):
        for row in ("one-task", "modulated"):
            theirs = models[row].get_layer(layer.name).get_weights()
            assert_same(layer.get_weights(), theirs)
    (images, task), _ = run.study.batches(made["modulated"])[1]
    (of_kind, zeros), _ = run.study.batches(made["one-task"])[1]
    np.testing.assert_array_equal(images[task == 0], of_kind)
    assert not zeros.any()


def test_each_task_is_judged_by_its_own_embeddings(tiny_run):
    run = tiny_run(ALL["modulation_zappos50k"], ["masks"])
    model = networks_of(run, "masks")[0].compiled(run.study)
    model.get_layer("gate_embedding").gate.assign(np.arange(16.0).reshape(2, 8) % 5)
    images = run.data["test"]["image"]
    found = run.study.embeddings([model], images)
    for row, task in enumerate(run.study.tasks):
        expected = model([images.astype("float32"), np.full(len(images), row)])
        np.testing.assert_allclose(found[task], ops.convert_to_numpy(expected), atol=1e-5)
    assert np.abs(found["kind"] - found["colour"]).max() > 0.01


def test_multiplications_are_those_of_all_tasks(tiny_run):
    run = tiny_run(ALL["modulation_zappos50k"], ["fully shared", "masks"])
    plain, masks = (run.study.cost(networks_of(run, row)[0]).macs for row in run.wanted)
    # The masks stand behind everything.
    assert masks == plain + 2 * 8


@pytest.mark.slow
def test_compliance_is_kept_and_starts_alike(tiny_run, untrained, monkeypatch):
    run = tiny_run(ALL["modulation_zappos50k"], ["fully shared", "masks", "modulated"])
    run.study.run()
    trainings = {row: networks_of(run, row)[0] for row in run.wanted}
    found = {row: run.study.compliance(each) for row, each in trainings.items()}
    # Networks whose gates are ones start as one; masks do not.
    assert found["modulated"]["start"] == found["fully shared"]["start"]
    assert found["masks"]["start"] != found["fully shared"]["start"]
    # Untrained, both moments are the same network, and see the same mini-batches.
    assert found["modulated"]["end"] == found["modulated"]["start"]
    assert not any("gate" in layer for layer in found["modulated"]["end"])
    monkeypatch.setattr(run.study, "_compliance", None)
    assert run.study.compliance(trainings["masks"]) == found["masks"]


def test_the_mean_compliance_leaves_out_what_is_not_there():
    of_layers = {
        "a": [[1.0, 0.25, 0.5], [0.25, 1.0, 0.75], [0.5, 0.75, 1.0]],
        "b": [[1.0, float("nan"), 1.0], [float("nan"), 1.0, 0.0], [1.0, 0.0, 1.0]],
    }
    assert mean_compliance(of_layers) == pytest.approx((0.25 + 0.5 + 0.75 + 1 + 0) / 5)


def test_labels_are_what_attributes_say():
    assert sorted(BY_RANK) == sorted(rooms.ATTRIBUTES)
    attributes = np.zeros((3, len(rooms.ATTRIBUTES)), bool)
    for row, names in enumerate(
        (("red", "wood", "round", "near"), ("pink", "plain", "boxy"), ("red", "brick", "boxy"))
    ):
        attributes[row, [rooms.ATTRIBUTES.index(name) for name in names]] = True
    labels = property_labels(attributes, np.array([13, 12, 5]), 4)
    assert {task: each.tolist() for task, each in labels.items()} == {
        "kind": [13, 12, 5],
        "colour": [0, 9, 0],
        "texture": [4, 0, 5],
        "shape": [1, 0, 0],
    }
    labels = attribute_labels(attributes, np.array([13, 12, 5]), 20)
    assert len(labels) == 20
    assert labels["red"].tolist() == [1, 0, 1] and labels["near"].tolist() == [1, 0, 0]


# Multi-Fashion


def test_lenets_are_of_their_size_and_learn_at_their_rates(finished):
    run = finished(ALL["multi_fashion"])
    tower, head, stitches = 260 + 5_020 + 36_050, 510, 4 * (10 + 20 + 50)
    assert [row["parameters"] for row in run.results["rows"].values()] == [
        2 * (tower + head),
        tower + 2 * head,
        2 * (tower + head) + stitches,
    ]
    for row in run.study.rows:
        for last in row.networks:
            assert run.study.record_of(last)["steps"] == 6
            rate = run.study.optimizer(last).get_config()["learning_rate"]["config"]
            falling = keras.optimizers.schedules.CosineDecay.from_config(rate)
            # Along half a cosine to zero, with the last step.
            assert [float(falling(n)) for n in (0, 3, 6)] == pytest.approx([0.03, 0.015, 0])
            for first in last.start:
                rate = run.study.optimizer(first).get_config()["learning_rate"]
                assert rate == pytest.approx(0.03) and first.steps == 3


def test_accuracy_is_of_the_labels_that_networks_give(finished):
    run = finished(ALL["multi_fashion"], ["hard sharing"])
    (model,) = run.networks("hard sharing")
    logits = model.predict(run.data["test"]["image"].astype("float32"), verbose=0)
    for task in run.tasks:
        right = logits[task].argmax(-1) == run.data["test"][task]
        entry = run.results["rows"]["hard sharing"]["seeds"]["0"]
        assert entry[task]["accuracy"] == pytest.approx(right.mean())


def test_pictures_to_choose_by_are_not_learned_from(tiny_data):
    settings, data = tiny_data(ALL["multi_fashion"])
    parts = {part: {each.tobytes() for each in data[part]["image"]} for part in data}
    assert not parts["train"] & parts["validation"] and not parts["test"] & parts["validation"]
    with pytest.raises(ValueError, match="`train_images` must be at most 40"):
        tiny_data(ALL["multi_fashion"], train_images=41)
