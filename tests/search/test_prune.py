"""The pruned model computes what the learned one does, with what is executed alone."""

import keras
import numpy as np
import pytest
from keras import layers
from skip_towers import (
    BLOCKS,
    IMAGE,
    TASKS,
    assert_close,
    conv_tower,
    decide,
    dense_tower,
    outputs,
    pooled,
    randomize,
    state,
)

from keras_mtl import MultiTaskModel
from keras_mtl.search import cost, prune
from keras_mtl.sharing import AdaShared, Branched

THREE = ["a", "b", "c"]
# One row a task; the second block has a projection.
POLICIES = {
    "all on": ["111", "111", "111"],
    "all off": ["000", "000", "000"],
    "agree on a prefix": ["110", "111", "110"],
    "agree to skip, then part": ["001", "010", "011"],
    "the projection alone for one": ["111", "101", "111"],
    "part at once, then alike": ["011", "111", "011"],
    "all ways": ["100", "010", "001"],
}


def decisions(rows):
    return np.array([[int(value) for value in row] for row in rows])


def learned(rng, tasks=THREE, heads=None, **options):
    return randomize(
        MultiTaskModel(conv_tower(), AdaShared(**options), heads or pooled(tasks)), rng
    )


def images(rng):
    return rng.normal(size=(3, *IMAGE)).astype("float32")


@pytest.fixture(scope="module")
def model():
    return learned(np.random.default_rng(3))


@pytest.mark.parametrize("name", POLICIES)
def test_computes_what_the_learned_model_does(rng, model, name):
    x, rows = images(rng), decisions(POLICIES[name])
    decide(model, rows)
    before = state(model)
    expected = outputs(model, x)
    pruned = prune(model)
    assert_close(outputs(pruned, x), expected)
    assert all((before[path] == after).all() for path, after in state(model).items())
    # The policy may also be given, whatever the logits say.
    decide(model, 1 - rows)
    for policy in (dict(zip(THREE, POLICIES[name], strict=True)), rows, rows.astype(bool)):
        assert_close(outputs(prune(model, policy), x), expected)
    assert cost(pruned).macs < cost(model).macs
    names = {layer.name for layer in pruned.layers}
    for place, block in enumerate(BLOCKS):
        assert (f"shared_{block}" in names) == rows[:, place].any()


def test_random_policies(rng, model):
    x = images(rng)
    for rows in rng.integers(0, 2, size=(5, 3, 3)):
        expected = outputs(decide(model, rows), x)
        assert_close(outputs(prune(model), x), expected)


def test_per_task_statistics_and_a_curriculum_that_has_not_ended(rng):
    """The blocks that are not yet under the policy are executed, whatever their logits."""
    model, x = learned(rng, per_task_statistics=True), images(rng)
    decide(model, decisions(["000", "010", "001"]))
    model.get_layer("skip_policy").active_blocks.assign(1)
    pruned = prune(model)
    assert_close(outputs(pruned, x), outputs(model, x))
    assert pruned.get_config()["sharing"]["config"]["policy"] == {
        "a": [1, 1, 0],
        "b": [1, 1, 0],
        "c": [1, 1, 1],
    }


def test_ties_are_executed(rng):
    model, x = learned(rng), images(rng)
    logits = np.zeros((3, 3, 2))
    logits[1, :, 1] = 1e-9  # too little to show in a probability
    model.get_layer("skip_policy").logits.assign(logits)
    pruned = prune(model)
    assert_close(outputs(pruned, x), outputs(model, x))
    policy = pruned.get_config()["sharing"]["config"]["policy"]
    assert policy == {"a": [1, 1, 1], "b": [0, 0, 0], "c": [1, 1, 1]}


def test_only_what_is_executed_is_left():
    learned = MultiTaskModel(dense_tower(), AdaShared(), {task: layers.Dense(1) for task in TASKS})
    pruned = prune(learned, {"a": "100", "b": "101"})
    names = {layer.name for layer in pruned.layers}
    assert names == {"inputs", "shared_stem", "shared_one", "shared_three", "a_head", "b_head"}
    assert cost(pruned) == (24 + 2 * 20 + 2 * 5, 20 + 2 * 16 + 2 * 4)
    assert pruned.name == learned.name and not pruned.compiled


def test_heads_whose_layers_are_called_alike_keep_their_weights(rng):
    def head():
        return keras.Sequential(
            [
                layers.GlobalAveragePooling2D(),
                layers.Dense(3, activation="tanh", name="hidden"),
                layers.Dense(2, name="score"),
            ]
        )

    model, x = learned(rng, heads={task: head() for task in TASKS}), images(rng)
    decide(model, decisions(["101", "110"]))
    expected = outputs(model, x)
    assert np.abs(expected["a"] - expected["b"]).min() > 1e-3
    assert_close(outputs(prune(model), x), expected)


def test_what_is_frozen_stays_frozen(rng):
    model = learned(rng).freeze("stem", "two")
    model.head("a").trainable = False
    for rows in (["111", "101", "000"], ["000", "101", "000"]):
        pruned = prune(model, decisions(rows))
        names = {weight.path.split("/")[0] for weight in pruned.trainable_weights}
        executed = [name for name, on in zip(BLOCKS, decisions(rows).any(0), strict=True) if on]
        expected = {f"shared_{name}_{x}" for name in executed for x in ("conv", "norm")}
        assert names == {name for name in expected if "two" not in name}
        assert not pruned.head("a").trainable


def test_a_pruned_model_trains_and_comes_back(rng, tmp_path):
    model, x = learned(rng), images(rng)
    pruned = prune(model, decisions(["101", "011", "101"]))
    before = state(model)
    pruned.compile(keras.optimizers.SGD(0.05), loss="mse")
    y = {task: np.ones((3, 4)) for task in THREE}
    losses = pruned.fit(x, y, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all((before[path] == after).all() for path, after in state(model).items())
    pruned.save(tmp_path / "pruned.keras")
    loaded = keras.models.load_model(tmp_path / "pruned.keras")
    assert_close(outputs(loaded, x), outputs(pruned, x), 1e-6)


def test_other_models_and_policies_are_refused(rng, model):
    hard = MultiTaskModel(conv_tower(), Branched.hard_sharing(), pooled())
    fixed = MultiTaskModel(conv_tower(), AdaShared(np.ones((2, 3))), pooled())
    for other in (hard, fixed):
        with pytest.raises(ValueError, match="one SkipPolicy.*'multi_task_model' with 0"):
            prune(other)
    with pytest.raises(TypeError, match="`model` must be a MultiTaskModel.*'x.keras'"):
        prune("x.keras")
    with pytest.raises(ValueError, match="`policy` must have a row for each of the tasks"):
        prune(model, {"a": "111"})
    with pytest.raises(ValueError, match="`policy` must have one value for each of the 3 blocks"):
        prune(model, dict.fromkeys(THREE, "11"))
