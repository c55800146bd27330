"""The tables of branched networks: every row, the trees, and what they must beat."""

import dataclasses
import json

import numpy as np
import pytest

from keras_mtl.recipes import (
    branched_celeba,
    branched_cityscapes,
    branched_rooms,
    branched_taskonomy,
)
from keras_mtl.recipes._attributes_networks import AttributesNetworks
from keras_mtl.recipes._branched_networks import BranchedNetworks
from keras_mtl.recipes._deeplab_data import DeepLabData
from keras_mtl.recipes._format import cells

TABLE = branched_rooms.TABLE
TASKS = TABLE.problem.tasks
PAIRS = [["segmentation", "normals"], ["depth"], ["keypoints", "edges"]]


@pytest.fixture
def unlike(untrained, monkeypatch):
    """Networks of one task start from the same weights; untrained, they would be all alike."""
    for networks in (BranchedNetworks, AttributesNetworks):

        def build(self, sharing, tasks, seed, build=networks._build, **options):
            model = build(self, sharing, tasks, seed, **options)
            if len(tasks) == 1:
                rng = np.random.default_rng(self.tasks.index(tasks[0]))
                noisy = [x + rng.normal(0, 0.3, x.shape) * x.std() for x in model.get_weights()]
                model.set_weights(noisy)
            return model

        monkeypatch.setattr(networks, "_build", build)


@pytest.fixture
def of_seed(tiny_branched_data, unlike, tmp_path):
    return BranchedNetworks(*tiny_branched_data, TASKS, tmp_path, seed=0)


@pytest.mark.one_backend
def test_every_row_is_trained_and_drawn(tiny_branched, unlike, tmp_path):
    rows = ["one-task", "hard sharing", "branched 2×", "random tree 2×", "worst tree 2×"]
    results = TABLE.run("tiny", rows=rows, output=tmp_path)
    found = {row: of_row["parameters"] for row, of_row in results["rows"].items()}
    assert list(found) == rows
    # The trees that a searched one must beat are of its size.
    assert found["branched 2×"] == found["random tree 2×"] == found["worst tree 2×"]
    assert found["hard sharing"] < found["branched 2×"] < found["one-task"]
    trees = {row: results["rows"][row]["seeds"]["0"].get("trees") for row in rows}
    assert trees["one-task"] is None and trees["branched 2×"] != trees["worst tree 2×"]
    for row in rows:
        entry = results["rows"][row]["seeds"]["0"]
        for task, scores in TABLE.problem.headlines.items():
            if task in TASKS:
                assert all(np.isfinite(entry[task][score]) for score in scores)
    for picture in ("affinities.png", "trees.png", "performance.png"):
        assert (tmp_path / TABLE.recipe / picture).stat().st_size > 1000


@pytest.mark.one_backend
def test_trees_fit_their_budget_and_start_from_the_one_task_networks(of_seed):
    front = of_seed.report.front
    sizes = {json.dumps(each.tree): each.parameters for each in front}
    hard, apart = (front[end].parameters for end in (0, -1))
    one_tower = (apart - hard) / (len(TASKS) - 1)
    budgets = (1, 2, 3, 4)
    taken = [sizes[json.dumps(of_seed.tree(copies))] for copies in budgets]
    assert taken[0] == hard
    for size, copies in zip(taken, budgets, strict=True):
        assert size <= hard + (copies - 1) * one_tower
    with pytest.raises(SystemExit, match="5 copies leaves 5 tasks nothing to share"):
        of_seed.tree(5)
    model = of_seed.branched(3)
    assert model.count_params() == taken[2]
    for task in TASKS:
        group = next(group for group in of_seed.tree(3)["block4_1"] if task in group)
        ours = model.stage(task, "block4_1").get_weights()
        theirs = of_seed.one_task(group[0]).stage(group[0], "block4_1").get_weights()
        for our, their in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(our, their)


@pytest.mark.one_backend
def test_other_trees_have_the_shape_of_the_searched_one(of_seed, monkeypatch):
    searched = {location: PAIRS for location in of_seed.locations}
    monkeypatch.setattr(of_seed, "tree", lambda copies: searched)
    others = of_seed._permuted(2)
    # Five tasks into a single and two pairs: 5 · 3 ways, of which one is searched.
    assert len(others) == 14
    for tree in others:
        for partition in tree.values():
            assert sorted(map(len, partition)) == [1, 2, 2]
    affinity = dict(zip(of_seed.locations, of_seed.report.affinity, strict=True))

    def unlike(tree):
        """The cost of the tree, from the paper's words."""
        number = {task: index for index, task in enumerate(of_seed.tasks)}
        return sum(
            np.mean(
                [
                    max(1 - affinity[at][number[a]][number[b]] for a in group for b in group)
                    for group in partition
                ]
            )
            for at, partition in tree.items()
        )

    worst = of_seed.worst_tree(2).get_config()["sharing"]["config"]["tree"]
    assert unlike(worst) == pytest.approx(max(map(unlike, others)))
    assert of_seed.random_tree(2).get_config()["sharing"]["config"]["tree"] in others


@pytest.mark.one_backend
def test_attributes_are_tasks(tiny_attributes, tiny_attributes_data, unlike, tmp_path):
    table = branched_celeba.TABLE
    rows = ["one-task", "branched 2×", "random tree 2×"]
    results = table.run("tiny", rows=rows, output=tmp_path)
    for row in rows:
        entry = results["rows"][row]["seeds"]["0"]["attributes"]
        assert list(entry["accuracies"]) == list(tiny_attributes_data[1].attribute_names)
        assert entry["accuracy"] == pytest.approx(np.mean(list(entry["accuracies"].values())))
        assert 0 <= entry["mean_ap"] <= 1
    networks = AttributesNetworks(*tiny_attributes_data, ("attributes",), tmp_path / "seed_0", 0)
    assert len(networks.report.locations) == 15
    assert (tmp_path / table.recipe / "trees.png").stat().st_size > 1000


@pytest.mark.one_backend
def test_sizes_are_means_over_the_seeds(tiny_branched):
    entry = {task: dict.fromkeys(scores, 1.0) for task, scores in TABLE.problem.headlines.items()}
    sizes = ({"parameters": 1000, "macs": 1e6}, {"parameters": 3000, "macs": 5e6})
    seeds = {str(seed): {**entry, **size} for seed, size in enumerate(sizes)}
    rows = {"branched 2×": {"parameters": 1000, "macs": 1e6, "seeds": seeds}}
    heading, lines = cells(TABLE, {"tasks": list(TASKS), "rows": rows})
    line = dict(zip(heading, lines["branched 2×"], strict=True))
    assert (line["parameters"], line["M MACs"]) == ("2,000", "3")


@pytest.mark.one_backend
def test_all_tasks_of_all_tables_are_learned_and_scored(
    tiny_branched, untrained, tmp_path, tmp_path_factory, monkeypatch
):
    for table in (branched_cityscapes.TABLE, branched_taskonomy.TABLE):
        preset = table.problem.presets["mini"]
        assert set(preset.task_weights) == set(table.problem.tasks)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
    tasks = ("image_labels", "segmentation", "instances")
    settings = dataclasses.replace(
        tiny_branched,
        tasks=tasks,
        task_weights=dict.fromkeys(tasks, 1.0),
        augmented=True,
    )
    data = DeepLabData("rooms", settings)
    networks = BranchedNetworks(settings, data, tasks, tmp_path, 0)
    model = networks.hard_sharing()
    model.compile("adam", **networks._losses(tasks))
    batches = networks._batches(tasks, 0)
    images, targets = batches[0]
    # The pictures are augmented, also where a task has labels instead of maps.
    plain = data.train["image"][batches.order()[: len(images)]]
    assert (images != plain).any()
    assert targets["image_labels"].shape == (len(images), 17)
    model.fit(batches, epochs=1, shuffle=False, verbose=0)
    scores = networks.scores([model])
    assert 0 < scores["image_labels"]["mean_ap"] <= 1
    assert 0 < scores["instances"]["absolute_error"] < 10


@pytest.mark.slow
def test_a_run_is_taken_up_again(tiny_branched, tmp_path, capsys):
    rows, tasks = ["one-task", "branched 1×", "random tree 2×"], TASKS[:3]
    results = TABLE.run("tiny", rows=rows[:2], tasks=tasks, output=tmp_path)
    again = TABLE.run("tiny", rows=rows, tasks=tasks, output=tmp_path)
    assert again["rows"]["branched 1×"] == results["rows"]["branched 1×"]
    whole = TABLE.run("tiny", rows=rows, tasks=tasks, output=tmp_path / "whole")
    for row in rows:
        ours, theirs = (each["rows"][row]["seeds"]["0"] for each in (again, whole))
        assert [ours[task] for task in tasks] == [theirs[task] for task in tasks]
        assert ours.get("trees") == theirs.get("trees")
    capsys.readouterr()
    TABLE.run("tiny", rows=rows, tasks=tasks, output=tmp_path)
    assert "epoch 0 of" not in capsys.readouterr().out


@pytest.mark.one_backend
def test_a_table_without_searched_trees_is_drawn(tiny_attributes, unlike, tmp_path):
    table = branched_celeba.TABLE
    table.run("tiny", rows=["random tree 2×"], output=tmp_path)
    pictures = {file.name for file in (tmp_path / table.recipe).glob("*.png")}
    assert pictures == {"affinities.png", "performance.png"}
