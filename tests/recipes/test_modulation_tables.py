"""The tables of embeddings: every row, what it sees, and how it is judged."""

import json

import keras
import numpy as np
import pytest

from keras_mtl import plots
from keras_mtl.datasets import rooms
from keras_mtl.recipes import modulation_celeba, modulation_zappos50k
from keras_mtl.recipes._retrieval_data import BY_RANK, attribute_labels, property_labels
from keras_mtl.recipes._retrieval_figures import draw_performance, joint_networks
from keras_mtl.recipes._retrieval_networks import RetrievalNetworks, mean_compliance

TABLE = modulation_zappos50k.TABLE

pytestmark = pytest.mark.one_backend


@pytest.fixture
def of_seed(tiny_retrieval_data, tmp_path):
    return RetrievalNetworks(*tiny_retrieval_data, ("retrieval",), tmp_path, seed=0)


def test_every_row_is_trained_scored_and_drawn(tiny_retrieval, tmp_path):
    rows = list(TABLE.rows)
    results = TABLE.run("tiny", rows=rows, output=tmp_path)
    entries = {row: results["rows"][row]["seeds"]["0"] for row in rows}
    for row, entry in entries.items():
        scores = entry["retrieval"]
        assert list(scores["tasks"]) == ["kind", "colour"]
        for name in ("triplet_accuracy", "recall@1", "mean_ap"):
            assert 0 <= scores[name] <= 1
            of_tasks = [each[name] for each in scores["tasks"].values()]
            assert scores[name] == pytest.approx(np.mean(of_tasks))
        assert ("compliance_end" in scores) == (row != "one-task")
    sizes = {row: entry["parameters"] for row, entry in entries.items()}
    # Two networks; a gate for each task and channel; a projection for each task.
    assert sizes["one-task"] == 2 * sizes["fully shared"]
    channels = [13, 13, 8]
    assert sizes["masks"] == sizes["fully shared"] + 2 * 8
    assert sizes["modulated"] == sizes["fully shared"] + 2 * sum(channels)
    assert sizes["projected"] == sizes["fully shared"] + 2 * sum(n * n for n in channels)
    # With gates of one the gradients are those of the shared network.
    starts = {row: entries[row]["retrieval"].get("compliance_start") for row in rows}
    assert starts["modulated"] == starts["fully shared"]
    for picture in ("storage.png", "compliance.png", "neighbours.png"):
        assert (tmp_path / TABLE.recipe / picture).stat().st_size > 1000


def test_a_stopped_row_is_taken_up_again(tiny_retrieval, tmp_path, capsys):
    results = TABLE.run("tiny", rows=["modulated"], output=tmp_path)
    (tmp_path / TABLE.recipe / "results.json").unlink()
    capsys.readouterr()
    again = TABLE.run("tiny", rows=["modulated"], output=tmp_path)
    assert "epoch 0 of" not in capsys.readouterr().out
    ours, theirs = (each["rows"]["modulated"]["seeds"]["0"] for each in (again, results))
    assert ours["retrieval"] == theirs["retrieval"]


def test_all_rows_start_alike_and_see_the_same_triplets(of_seed, untrained):
    shared, modulated = of_seed.shared(), of_seed.modulated()
    alone = of_seed.one_task("colour")
    for layer in (each for each in shared.layers if each.weights):
        for other in (modulated, alone):
            for ours, theirs in zip(
                layer.get_weights(), other.get_layer(layer.name).get_weights(), strict=True
            ):
                np.testing.assert_array_equal(ours, theirs)
    (images, task), _ = of_seed._batches(of_seed.tasks, 0)[1]
    (of_colour, zeros), _ = of_seed._batches(["colour"], 0)[1]
    np.testing.assert_array_equal(images[task == 1], of_colour)
    assert not zeros.any()


def test_each_task_is_judged_by_its_own_embeddings(of_seed):
    model = of_seed._build({"after": ("embedding",)}, of_seed.tasks, 0)
    model.get_layer("gate_embedding").gate.assign(np.arange(16.0).reshape(2, 8) % 5)
    found = of_seed.embeddings([model])
    images = of_seed.data.test["image"].astype("float32")
    for row, task in enumerate(of_seed.tasks):
        expected = keras.ops.convert_to_numpy(model([images, np.full(len(images), row)]))
        np.testing.assert_allclose(found[task], expected, atol=1e-5)
    assert np.abs(found["kind"] - found["colour"]).max() > 0.01


def test_multiplications_are_those_of_all_tasks(of_seed):
    plain, masks, modulated = (
        of_seed.cost(of_seed._build({"after": after}, of_seed.tasks, 0)).macs
        for after in ((), ("embedding",), ("conv1",))
    )
    # Behind the first gate all is computed twice; the masks stand behind everything.
    assert masks == plain + 2 * 8
    stem = 46 * 46 * 3 * 27
    assert modulated == stem + 2 * (plain - stem + 46 * 46 * 3)


def test_the_mean_compliance_leaves_out_what_is_not_there():
    of_layers = {
        "a": [[1.0, 0.25, 0.5], [0.25, 1.0, 0.75], [0.5, 0.75, 1.0]],
        "b": [[1.0, float("nan"), 1.0], [float("nan"), 1.0, 0.0], [1.0, 0.0, 1.0]],
    }
    assert mean_compliance(of_layers) == pytest.approx((0.25 + 0.5 + 0.75 + 1 + 0) / 5)


def test_labels_are_what_attributes_say(rng):
    assert sorted(BY_RANK) == sorted(rooms.ATTRIBUTES)
    attributes = np.zeros((3, len(rooms.ATTRIBUTES)), bool)
    for row, names in enumerate(
        (("red", "wood", "round", "near"), ("pink", "plain", "boxy"), ("red", "brick", "boxy"))
    ):
        attributes[row, [rooms.ATTRIBUTES.index(name) for name in names]] = True
    kinds = np.array([13, 12, 5])
    labels = property_labels(attributes, kinds, 4)
    assert {task: each.tolist() for task, each in labels.items()} == {
        "kind": [13, 12, 5],
        "colour": [0, 9, 0],
        "texture": [4, 0, 5],
        "shape": [1, 0, 0],
    }
    labels = attribute_labels(attributes, kinds, 20)
    assert len(labels) == 20
    assert labels["red"].tolist() == [1, 0, 1] and labels["near"].tolist() == [1, 0, 0]


def test_presets_are_those_of_the_paper():
    paper = modulation_celeba.TABLE.problem.presets["paper"]
    # 7 tasks × 8 triplets; the rate falls twice within the training.
    assert paper.batch_size == 168 and (paper.margin, paper.learning_rate) == (0.2, 0.01)
    (iterations,) = paper.one_task_iterations.values()
    assert paper.rate_falls_after / iterations == 40 / 100
    shoes = modulation_zappos50k.TABLE.problem.presets["paper"]
    assert (shoes.size, shoes.network["size"], shoes.num_tasks) == (112, 64, 4)


def test_a_diverged_row_is_left_out_of_the_pictures(tiny_retrieval, tiny_retrieval_data, tmp_path):
    results = TABLE.run("tiny", rows=["fully shared"], output=tmp_path)
    results["rows"]["modulated"] = {"seeds": {"0": {"diverged": "the loss is nan"}}}
    networks = RetrievalNetworks(*tiny_retrieval_data, ("retrieval",), tmp_path / "seed_0", 0)
    draw_performance(plots.pyplot().subplots()[1], TABLE, results)
    assert list(joint_networks(TABLE, networks, results)) == ["fully shared"]


def test_compliance_is_kept(of_seed, untrained):
    model = of_seed.modulated()
    found = of_seed.compliance(model)
    kept = json.loads((of_seed.folder / "modulated_end_compliance.json").read_text())
    assert found["end"].keys() == kept.keys() and not any("gate" in layer for layer in kept)
    # Untrained, both moments are the same network, and see the same mini-batches.
    np.testing.assert_array_equal(*(list(found[moment].values()) for moment in ("start", "end")))
    # Networks whose gates are ones start as one; masks do not.
    of_seed.compliance(of_seed.shared())
    of_seed.compliance(of_seed.masks())
    files = {file.name.removesuffix("_compliance.json") for file in of_seed.folder.glob("*.json")}
    assert files == {"start", "modulated_end", "shared_end", "masks_start", "masks_end"}
