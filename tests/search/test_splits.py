"""The search over Split architectures: what is tried, how it is ranked, how it goes on."""

import json

import keras
import numpy as np
import pytest
from keras import layers

from keras_mtl import MultiTaskModel
from keras_mtl.recipes.cross_stitch import PLACES
from keras_mtl.search import enumerate_splits, relative_gain, splits
from keras_mtl.towers import CaffeNet, Tower
from keras_mtl.towers.caffenet import STAGES

# CaffeNet by hand: window · inputs of a group · outputs + biases; conv2, 4, 5 in two groups.
CAFFENET = {
    "conv1": 11 * 11 * 3 * 96 + 96,
    "conv2": 5 * 5 * 48 * 256 + 256,
    "conv3": 3 * 3 * 256 * 384 + 384,
    "conv4": 3 * 3 * 192 * 384 + 384,
    "conv5": 3 * 3 * 192 * 256 + 256,
    "fc6": 6 * 6 * 256 * 4096 + 4096,
    "fc7": 4096 * 4096 + 4096,
}


def small_tower(width=5):
    init = keras.initializers.GlorotUniform(3)
    image = keras.Input((4,))
    x = layers.Dense(width, activation="tanh", name="one", kernel_initializer=init)(image)
    x = layers.Activation("tanh", name="bend")(x)
    x = layers.Dense(6, name="two", kernel_initializer=init)(x)
    return Tower(keras.Model(image, x), ["one", "bend"])


def heads():
    return {"a": layers.Dense(2), "b": layers.Dense(3)}


# The parameters of every split of the small tower: stages one (25) and two (36), heads 14 and 21.
SMALL = {"one": 2 * 61 + 35, "two": 25 + 2 * 36 + 35, "heads": 61 + 35}
MACS = {"one": 2 * 50 + 30, "two": 20 + 2 * 30 + 30, "heads": 50 + 30}
SCORES = {
    "one": {"a": 0.5, "b": 10.0},
    "two": {"a": 0.6, "b": 9.0},  # +20 % and +10 %
    "heads": {"a": 0.35, "b": 8.0},  # -30 % and +20 %
}


def scored(model):
    return SCORES[model.name.removeprefix("split_")]


@pytest.mark.one_backend
def test_every_split_of_caffenet_has_the_parameters_counted_by_hand():
    counts = {}  # by split: parameters by the number of copies of their stage
    with keras.StatelessScope(initialize_variables=False):
        net = CaffeNet(include_top=False, fully_convolutional=True, dropout=0.0)
        tower = Tower(net, STAGES)
        sizes = {stage: tower.stage(stage).count_params() for stage in tower.stages}
        for name, sharing in enumerate_splits(tower).items():
            counts[name] = {1: 0, 2: 0}
            for stage, size in sizes.items():
                counts[name][len(sharing.partition(stage, tower, ["a", "b"]))] += size
    keras.utils.clear_session()  # or Keras would make up for the values of the weights
    assert list(counts) == [*CAFFENET, "heads"]
    assert list(counts)[1:] == list(PLACES)  # split at conv1, the tasks are the one-task networks
    total = sum(CAFFENET.values())
    for name, found in counts.items():
        shared = sum(CAFFENET[stage] for stage in list(counts)[: list(counts).index(name)])
        assert found == {1: shared, 2: total - shared}
    heads = 4096 * (40 + 20) + 40 + 20
    assert 2 * total + heads == 114_017_468 - 35_200  # CrossStitchFCN without its alphas


@pytest.fixture(scope="module")
def narrow_caffenet():
    return Tower(
        CaffeNet(
            include_top=False,
            input_shape=(32, 32, 3),
            width=1 / 32,
            stem_strides=2,
            padding="same",
            fully_convolutional=True,
        ),
        STAGES,
    )


# Building does not depend on the backend.
@pytest.mark.one_backend
def test_every_split_of_caffenet_is_built(narrow_caffenet, rng):
    """At 1/32 of the width: 4, 8, 12, 12, 8, 128 and 128 channels."""
    counts = {
        "conv1": 11 * 11 * 3 * 4 + 4,
        "conv2": 5 * 5 * 2 * 8 + 8,
        "conv3": 3 * 3 * 8 * 12 + 12,
        "conv4": 3 * 3 * 6 * 12 + 12,
        "conv5": 3 * 3 * 6 * 8 + 8,
        "fc6": 6 * 6 * 8 * 128 + 128,
        "fc7": 128 * 128 + 128,
    }
    x = rng.uniform(0, 255, size=(1, 32, 32, 3)).astype("float32")
    expected = keras.ops.convert_to_numpy(narrow_caffenet.model(x))
    for position, (name, sharing) in enumerate(enumerate_splits(narrow_caffenet).items()):
        same = {task: layers.Activation("linear") for task in ("a", "b", "c")}
        model = MultiTaskModel(narrow_caffenet, sharing, same)
        shared = sum(list(counts.values())[:position])
        assert model.count_params() == 3 * sum(counts.values()) - 2 * shared, name
        for output in model(x).values():
            np.testing.assert_allclose(keras.ops.convert_to_numpy(output), expected, atol=1e-4)


def test_ranked_by_mean_relative_gain():
    table = splits(small_tower(), heads(), scored, lower_is_better=["b"])
    assert [split.name for split in table] == ["two", "one", "heads"]
    assert [split.gain for split in table] == pytest.approx([15.0, 0.0, -5.0])
    assert {split.name: split.parameters for split in table} == SMALL
    assert {split.name: split.macs for split in table} == MACS
    assert {split.name: split.scores for split in table} == SCORES
    assert [split.name for split in table.in_network_order()] == ["one", "two", "heads"]
    text = str(table).splitlines()
    assert [line.split()[0] for line in text] == ["split", "two", "one", "heads"]
    assert text[1].split() == ["two", "132", "110", "0.6", "9", "+15.00"]


def test_a_stopped_search_goes_on(tmp_path):
    fitted = []

    def fit(model):
        fitted.append(model.name)
        if len(fitted) == 2:
            raise KeyboardInterrupt
        return scored(model)

    with pytest.raises(KeyboardInterrupt):
        splits(small_tower(), heads(), fit, folder=tmp_path / "search")
    table = splits(small_tower(), heads(), fit, folder=tmp_path / "search")
    assert fitted == ["split_one", "split_two", "split_two", "split_heads"]
    assert table == splits(small_tower(), heads(), scored)
    again = splits(small_tower(), heads(), fit, folder=tmp_path / "search")
    assert again == table and len(fitted) == 4
    kept = json.loads((tmp_path / "search" / "splits.json").read_text())
    assert kept["rows"]["two"]["scores"] == SCORES["two"]
    other = {**heads(), "a": keras.Sequential([layers.Dense(2)])}
    for tower, others in ((small_tower(), other), (small_tower(width=7), heads())):
        with pytest.raises(ValueError, match="must be new or hold a search over this tower"):
            splits(tower, others, fit, folder=tmp_path / "search")


@pytest.mark.one_backend
def test_scores_that_others_have_changed_are_refused(tmp_path):
    splits(small_tower(), heads(), scored, folder=tmp_path)
    path = tmp_path / "splits.json"
    kept = json.loads(path.read_text())
    row = kept["rows"]["two"]
    for rows in ([], {"two": None}, {"two": {}}, {"two": {**row, "scores": {"a": 1}}}, None):
        for content in ({**kept, "rows": rows}, {"rows": kept["rows"]}, []):
            path.write_text(json.dumps(content))
            with pytest.raises(ValueError, match=f"`folder` must hold a whole file .*{path}"):
                splits(small_tower(), heads(), pytest.fail, folder=tmp_path)
    path.write_text(json.dumps(kept)[:-9])
    with pytest.raises(ValueError, match=f"`folder` must hold a whole file .*{path}"):
        splits(small_tower(), heads(), pytest.fail, folder=tmp_path)


def test_a_diverged_split_is_last():
    def fit(model):
        return {"a": float("nan"), "b": 1.0} if model.name == "split_two" else scored(model)

    table = splits(small_tower(), heads(), fit)
    assert table[-1].name == "two" and np.isnan(table[-1].gain)


def test_unknown_errors_are_refused_before_anything_is_trained():
    with pytest.raises(ValueError, match="`lower_is_better` must name tasks"):
        splits(small_tower(), heads(), pytest.fail, lower_is_better=["c"])


@pytest.mark.parametrize("scores", [{"a": 1.0}, {"a": 1.0, "b": [1.0]}, {"a": 1, "b": "x"}, None])
def test_scores_that_cannot_be_ranked_are_refused(scores):
    with pytest.raises(ValueError, match="`fit` must return"):
        splits(small_tower(), heads(), lambda model: scores)


@pytest.mark.one_backend
def test_networks_train_and_are_scored(rng):
    """Two copies of one task, learned under every split."""
    x = rng.normal(size=(64, 4)).astype("float32")
    y = np.tanh(x @ rng.normal(size=(4, 2)).astype("float32"))

    def fit(model):
        model.compile(keras.optimizers.Adam(0.02), loss={"a": "mse", "b": "mse"})
        model.fit(x, {"a": y, "b": y}, epochs=20, verbose=0, shuffle=False)
        outputs = model.predict(x, verbose=0)
        return {task: float(np.mean((outputs[task] - y) ** 2)) for task in ("a", "b")}

    both = {"a": layers.Dense(2), "b": layers.Dense(2)}
    table = splits(small_tower(), both, fit, lower_is_better=["a", "b"])
    assert len(table) == 3
    untrained = float(np.mean(y**2))
    for split in table:
        assert all(score < untrained / 2 for score in split.scores.values()), split
    assert min(table, key=lambda split: split.macs).name == "heads"
    assert max(table, key=lambda split: split.macs).name == "one"


# Relative gain


def test_relative_gain_over_seeds():
    gain = relative_gain(
        {"a": [1.1, 0.9], "b": [4.0, 5.0]}, {"a": [1.0, 1.0], "b": [5.0, 5.0]}, ["b"]
    )
    np.testing.assert_allclose(gain, [15.0, -5.0])


def test_relative_gain_refuses_other_tasks():
    with pytest.raises(ValueError, match="of the same tasks"):
        relative_gain({"a": 1.0}, {"b": 1.0})
    with pytest.raises(ValueError, match="unknown tasks"):
        relative_gain({"a": 1.0}, {"a": 1.0}, lower_is_better=["b"])


def test_lower_is_better_may_be_one_name():
    scores, baseline = {"age": 4.5, "kind": 1.0}, {"age": 5.0, "kind": 1.0}
    gain = relative_gain(scores, baseline, lower_is_better="age")
    assert gain == relative_gain(scores, baseline, lower_is_better=["age"]) == pytest.approx(5.0)
    with pytest.raises(ValueError, match="`lower_is_better` must be a name or a list of names"):
        relative_gain(scores, baseline, lower_is_better=None)


def test_relative_gain_of_several_scores_a_task():
    """AdaShare's: the mean over tasks of the means over each task's scores."""
    baseline = {"labels": {"iou": 0.2, "accuracy": 0.5}, "depth": {"abs": 0.4, "rel": 0.2}, "x": 2}
    scores = {"labels": {"iou": 0.3, "accuracy": 0.6}, "depth": {"abs": 0.3, "rel": 0.1}, "x": 1}
    labels, depth = (50 + 20) / 2, (25 + 50) / 2
    for errors in (["abs", "rel"], ["depth"], ["depth", "abs"]):
        gain = relative_gain(scores, baseline, errors)
        assert gain == pytest.approx((labels + depth - 50) / 3)
    gain = relative_gain(scores, baseline, ["abs", "x"])
    assert gain == pytest.approx((labels + (25 - 50) / 2 + 50) / 3)
    # With one score a task it is the plain one, also over seeds.
    plain = relative_gain({"a": [1.1, 0.9], "b": [4.0, 5.0]}, {"a": [1, 1], "b": [5, 5]}, ["b"])
    nested = relative_gain(
        {"a": {"iou": [1.1, 0.9]}, "b": {"rmse": [4.0, 5.0]}},
        {"a": {"iou": [1, 1]}, "b": {"rmse": [5, 5]}},
        ["rmse"],
    )
    np.testing.assert_allclose(nested, plain)


def test_relative_gain_refuses_other_scores_of_a_task():
    with pytest.raises(ValueError, match="of the same tasks.*'iou'.*'accuracy'"):
        relative_gain({"a": {"iou": 1.0}}, {"a": {"accuracy": 1.0}})
    for one, other in (({"iou": 1.0}, 1.0), (1.0, {"iou": 1.0})):
        with pytest.raises(ValueError, match="of the same tasks"):
            relative_gain({"a": one}, {"a": other})
    with pytest.raises(ValueError, match=r"unknown tasks \['rel'\]; known: \['a', 'iou'\]"):
        relative_gain({"a": {"iou": 1.0}}, {"a": {"iou": 1.0}}, ["rel"])
