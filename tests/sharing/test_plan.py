"""Plans: a mixture of experts as a user would write it, and what a plan says as data."""

import json

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
from keras import layers, ops
from matplotlib.patches import FancyBboxPatch
from skip_towers import BLOCKS, conv_tower, dense_tower, pooled

import keras_mtl.plots
from keras_mtl import MultiTaskModel
from keras_mtl.plots.stage_rows import stage_rows
from keras_mtl.search import cost
from keras_mtl.sharing import (
    AdaShared,
    Branched,
    CrossStitched,
    LatentShared,
    Modulated,
    Plan,
    Sharing,
)
from keras_mtl.towers import Tower

TASKS = ["a", "b"]
COPIES = [f"expert{number}_two" for number in range(3)]


@keras.saving.register_keras_serializable("tests")
class Gate(layers.Layer):
    """Mixes what experts make of features, by weights that it reads from these."""

    def build(self, shapes):
        self.score = layers.Dense(len(shapes) - 1, activation="softmax")
        self.score.build(shapes[0])

    def call(self, inputs):
        weights = ops.expand_dims(self.score(inputs[0]), 1)
        return ops.sum(weights * ops.stack(inputs[1:], axis=-1), axis=-1)

    def compute_output_shape(self, shapes):
        return shapes[1]

    def macs(self, shapes):
        return self.score.units * shapes[0][-1]


@keras.saving.register_keras_serializable("tests")
class Mixture(Sharing):
    """Shared stages, one of them by several experts, of which each task has its own mixture."""

    def __init__(self, at, experts=3):
        self.at, self.experts = at, experts

    def plan(self, tower, tasks):
        plan = Plan(tower, tasks)
        for stage in tower.stages:
            before = plan.features
            if stage != self.at:
                plan.features = plan.run(stage, "shared", before)
                continue
            made = [plan.run(stage, f"expert{number}", before) for number in range(self.experts)]
            for task in tasks:
                values = [before[task], *(each[task] for each in made)]
                mixed = plan.unit(Gate(name=f"{task}_gate"), values, behind=stage)
                plan.features = {**plan.features, task: mixed}
        return plan

    def get_config(self):
        return {"at": self.at, "experts": self.experts}


def tower():
    image = keras.Input((5,))
    x = layers.Dense(6, activation="tanh", name="one")(image)
    x = layers.Dense(4, activation="tanh", name="two")(x)
    return Tower(keras.Model(image, layers.Dense(3, name="three")(x)), ["one", "two"])


def model_of(sharing, rng=None):
    model = MultiTaskModel(tower(), sharing, {"a": layers.Dense(1), "b": layers.Dense(2)})
    if rng is not None:
        model.set_weights([rng.normal(0, 0.6, weight.shape) for weight in model.get_weights()])
    return model


def weights(layer):
    return [ops.convert_to_numpy(weight).copy() for weight in layer.weights]


def dense(x, layer):
    kernel, bias = weights(layer)
    return x @ kernel + bias


def outputs(model, x):
    return {task: ops.convert_to_numpy(output) for task, output in model(x).items()}


def test_experts_are_mixed_for_every_task(rng, tmp_path):
    """Against NumPy; from a file, too."""
    model, x = model_of(Mixture("two"), rng), rng.normal(size=(4, 5)).astype("float32")
    shared, expected = np.tanh(dense(x, model.stage("a", "one"))), {}
    experts = np.stack([np.tanh(dense(shared, each)) for each in model.copies("a", "two")], -1)
    for task in TASKS:
        gates = np.exp(dense(shared, model.units[f"{task}_gate"].score))
        mixed = (experts * (gates / gates.sum(-1, keepdims=True))[:, None]).sum(-1)
        expected[task] = dense(dense(mixed, model.stage(task, "three")), model.head(task))
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        assert [layer.name for layer in each.copies("b", "two")] == COPIES
        for task, found in outputs(each, x).items():
            np.testing.assert_allclose(found, expected[task], rtol=1e-4, atol=1e-5)
    # All experts once; gates, and the stage behind them, for each task.
    assert cost(model).macs == 5 * 6 + 3 * 6 * 4 + 2 * 6 * 3 + 2 * 4 * 3 + 3 * (1 + 2)


@pytest.mark.one_backend
def test_all_experts_are_found(tmp_path):
    model = model_of(Mixture("two"))
    with pytest.raises(ValueError, match=r"'a' has several copies of .*'two', see `copies`: \['ex"):
        model.stage("a", "two")
    with pytest.raises(ValueError, match="several copies of the stage 'two'"):
        model.tower("a")
    assert list(model.units) == ["a_gate", "b_gate"]
    by_stage = {row.stage: row for row in stage_rows(model)}
    assert by_stage["two"].groups == [TASKS] * 3 and by_stage["two"].unit == "Gate"
    assert by_stage["two"].parameters == 3 * (6 * 4 + 4)
    assert by_stage["two"].unit_parameters == 2 * (6 * 3 + 3)
    rows = sum(row.parameters + row.unit_parameters for row in by_stage.values())
    assert rows + sum(model.head(task).count_params() for task in TASKS) == model.count_params()
    boxes = [box for box in keras_mtl.plots.stages(model).axes[0].patches if wide(box)]
    plt.close("all")
    # The image, "one", three experts, the bar of their gates, and "three".
    assert len(boxes) == 1 + 1 + 3 + 1 + 1


def wide(patch):
    return isinstance(patch, FancyBboxPatch) and patch.get_width() > 1


def test_all_experts_are_frozen(rng):
    model = model_of(Mixture("two"), rng).freeze("two")
    model.compile("sgd", dict.fromkeys(TASKS, "mse"))
    before = {weight.path: ops.convert_to_numpy(weight).copy() for weight in model.weights}
    x = rng.normal(size=(4, 5)).astype("float32")
    model.fit(x, {"a": np.ones((4, 1)), "b": np.ones((4, 2))}, verbose=0)
    moved = {
        weight.path.split("/")[0]
        for weight in model.weights
        if (ops.convert_to_numpy(weight) != before[weight.path]).any()
    }
    assert moved == {"shared_one", "a_gate", "b_gate", "shared_three", "a_head", "b_head"}
    assert len(model.unfreeze("two").trainable_weights) == len(model.weights)


def test_all_experts_start_from_one_stage_or_each_from_its_own(rng):
    mixed, hard = model_of(Mixture("two"), rng), model_of(Branched.hard_sharing(), rng)
    model = model_of(Mixture("two")).initialize_from(mixed)
    for ours, theirs in zip(weights(model), weights(mixed), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    model.initialize_towers_from(hard)
    for expert in model.copies("b", "two"):
        for ours, theirs in zip(weights(expert), weights(hard.stage("a", "two")), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match="several copies of the stage 'two'"):
        hard.initialize_from(mixed)


SHARINGS = {
    "tree": Branched({"stem": [["a", "b", "c"]], "one": [["a", "c"], ["b"]]}),
    "stitched": CrossStitched(["one"]),
    "latent": LatentShared(2, dropout=0.1),
    "modulated": Modulated(["one"]),
    "learned": AdaShared(),
    "fixed": AdaShared({"a": "101", "b": "001", "c": "001"}),
    "mixture": Mixture("two"),
}


@pytest.mark.one_backend
@pytest.mark.parametrize("sharing", SHARINGS)
def test_a_plan_goes_to_json_and_back(sharing):
    plan = SHARINGS[sharing].plan(conv_tower(), ["a", "b", "c"])
    config = plan.get_config()
    twin = Plan.from_config(json.loads(json.dumps(config)))
    assert twin.get_config() == config
    assert (twin.calls, twin.features, twin.behind) == (plan.calls, plan.features, plan.behind)


@pytest.mark.one_backend
def test_a_plan_says_what_runs_for_whom():
    """Nothing is built for it."""
    plan = SHARINGS["fixed"].plan(conv_tower(), ["a", "b", "c"])
    assert [(call.layer, call.runs, call.skips) for call in plan.stage_calls] == [
        ("shared_stem", ["a", "b", "c"], []),
        ("shared_one", ["a"], []),
        # The projection alone: no task runs the block.
        ("skipped_two", [], ["a"]),
        ("skipped_two", [], ["b", "c"]),
        ("shared_three", ["a"], []),
        ("shared_three", ["b", "c"], []),
    ]
    assert plan.skipped("b") == ["one", "two"] and plan.skipped("a") == ["two"]
    assert len(set(plan.features.values())) == 2
    learned = AdaShared().plan(dense_tower(), TASKS)
    assert learned.behind["skip_policy"] is None and learned.behind["a_b_skip_two"] == "two"
    assert learned.skipped("a") == []


class Planned(Sharing):
    """Of a function."""

    def __init__(self, plan):
        self._plan = plan

    def plan(self, tower, tasks):
        plan = Plan(tower, tasks)
        self._plan(plan)
        return plan


@pytest.mark.one_backend
def test_what_is_no_plan_is_refused():
    def forgotten(plan):
        plan.run("stem", "other", plan.features)
        plan.features = plan.run("stem", "shared", plan.features)

    with pytest.raises(ValueError, match=r"layers that no task needs: \['other_stem'\]"):
        MultiTaskModel(conv_tower(), Planned(forgotten), pooled())
    plan = Plan(dense_tower(width=4), TASKS)
    with pytest.raises(ValueError, match="`stage` must have a shortcut. Received: stage='stem'"):
        plan.skip("stem", "shared", plan.features)
    with pytest.raises(ValueError, match=r"`stage` must name a stage of the tower.*'ten'"):
        plan.run("ten", "shared", plan.features)
    with pytest.raises(ValueError, match=r"`behind` must be one of \['stem', 'one'.*'ten'"):
        plan.unit(layers.Identity(), 0, behind="ten")


@pytest.mark.one_backend
def test_names_of_the_stages_are_those_of_the_tower():
    assert SHARINGS["learned"].plan(conv_tower(), TASKS).stages == ["stem", *BLOCKS]
