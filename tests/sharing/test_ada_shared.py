"""One tower of which tasks skip blocks: what runs, what is shared, what normalisation sees."""

import itertools

import keras
import numpy as np
import pytest
from keras import layers, ops
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
from keras_mtl.search import cost
from keras_mtl.sharing import AdaShared, Branched
from keras_mtl.towers import Tower

THREE = ["a", "b", "c"]


def heads(tasks=TASKS):
    return {task: layers.Dense(1 + number) for number, task in enumerate(tasks)}


def images(rng, count=4, shape=IMAGE):
    return rng.normal(size=(count, *shape)).astype("float32")


def leaves(model):
    """Names of the layers that have weights."""
    found = set()
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= leaves(layer)
        elif layer.weights:
            found.add(layer.name)
    return found


# What is executed


def test_blocks_are_the_stages_with_a_shortcut():
    assert AdaShared.blocks(conv_tower()) == BLOCKS == AdaShared.blocks(dense_tower())
    assert AdaShared.blocks(dense_tower(width=5)) == ["stem", *BLOCKS]


@pytest.mark.parametrize("per_task", [False, True])
def test_all_blocks_on_is_hard_sharing(rng, per_task):
    x = images(rng)
    hard = randomize(MultiTaskModel(conv_tower(), Branched.hard_sharing(), pooled()), rng)
    expected = outputs(hard, x)
    fixed = MultiTaskModel(conv_tower(), AdaShared(np.ones((2, 3))), pooled())
    assert leaves(fixed) == leaves(hard)
    assert cost(fixed) == cost(hard)
    assert_close(outputs(fixed.initialize_from(hard), x), expected, 1e-6)
    learned = MultiTaskModel(conv_tower(), AdaShared(per_task_statistics=per_task), pooled())
    decide(learned.initialize_from(hard), np.ones((2, 3)))
    assert_close(outputs(learned, x), expected, 1e-6)
    decide(learned, np.zeros((2, 3))).get_layer("skip_policy").active_blocks.assign(0)
    assert_close(outputs(learned, x), expected, 1e-6)


def test_warming_up_is_training_with_hard_sharing(rng):
    """With no block under the policy a step moves all weights and statistics alike."""
    x = images(rng)
    y = {task: rng.normal(size=(4, 4)) for task in TASKS}
    hard = randomize(MultiTaskModel(conv_tower(), Branched.hard_sharing(), pooled()), rng)
    learned = MultiTaskModel(
        conv_tower(), AdaShared(sparsity_weight=1.0, agreement_weight=1.0), pooled()
    )
    learned.initialize_from(hard).get_layer("skip_policy").active_blocks.assign(0)
    losses = []
    for model in (hard, learned):
        model.compile(keras.optimizers.SGD(0.1), loss="mse")
        losses.append(model.fit(x, y, epochs=2, batch_size=4, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)
    ours = state(learned)
    policy = {path: ours.pop(path) for path in list(ours) if path.startswith("skip_policy")}
    np.testing.assert_array_equal(policy["skip_policy/logits"], 0.5)
    theirs = state(hard)
    assert set(ours) == set(theirs)
    for path in theirs:
        np.testing.assert_allclose(ours[path], theirs[path], rtol=1e-4, atol=1e-5, err_msg=path)


def test_all_blocks_off_runs_the_stem_and_the_projection(rng):
    tower, x = conv_tower(), images(rng)
    randomize(tower.model, rng)
    model = MultiTaskModel(tower, AdaShared({"a": "000", "b": [False] * 3}), pooled())
    assert leaves(model) == {"shared_stem", "shared_two_shortcut_conv", "shared_two_shortcut"}
    by_hand = tower.model.get_layer("stem")(x)
    for name in ("two_shortcut_conv", "two_shortcut"):
        by_hand = tower.model.get_layer(name)(by_hand)
    expected = ops.convert_to_numpy(ops.mean(by_hand, axis=(1, 2)))
    assert_close(outputs(model, x), dict.fromkeys(TASKS, expected), 1e-6)
    learned = decide(MultiTaskModel(tower, AdaShared(), pooled()), np.zeros((2, 3)))
    assert_close(outputs(learned, x), dict.fromkeys(TASKS, expected), 1e-6)


def test_each_task_runs_its_own_blocks(rng):
    """Against the tower's layers called one after the other."""
    tower, x = dense_tower(), images(rng, shape=(5,))
    randomize(tower.model, rng)
    policy = {"a": "011", "b": "101", "c": "100"}
    learned = MultiTaskModel(tower, AdaShared(), heads(THREE))
    decide(learned, [[int(each) for each in policy[task]] for task in THREE])
    fixed = MultiTaskModel(tower, AdaShared(policy), heads(THREE)).initialize_from(learned)
    expected = {}
    for task, row in policy.items():
        features = tower.model.get_layer("stem")(x)
        for name, executes in zip(BLOCKS, row, strict=True):
            if executes == "1":
                features = tower.model.get_layer(name)(features)
        expected[task] = ops.convert_to_numpy(learned.head(task)(features))
    assert_close(outputs(learned, x), expected, 1e-6)
    assert_close(outputs(fixed, x), expected, 1e-6)
    # "c" goes with "b" until it skips what "b" executes: `one` runs once, `three` twice.
    assert cost(fixed).macs == 5 * 4 + 16 * (1 + 1 + 2) + 4 * (1 + 2 + 3)


# What is shared


@pytest.mark.parametrize("per_task", [False, True])
def test_one_copy_of_the_weights_and_one_run_of_the_prefix(per_task):
    model = MultiTaskModel(dense_tower(), AdaShared(per_task_statistics=per_task), heads(THREE))
    parameters = (5 * 4 + 4) + 3 * (4 * 4 + 4) + (4 + 1) * (1 + 2 + 3)
    logits = 3 * 3 * 2
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == parameters + logits
    assert len({id(weight) for weight in model.weights}) == len(model.weights)
    # Stem and first block for all tasks, the other two blocks for each.
    assert cost(model).macs == 5 * 4 + 16 + 3 * 2 * 16 + 4 * (1 + 2 + 3)
    assert leaves(model) == {
        *("skip_policy", "shared_stem", "shared_one", "shared_two", "shared_three"),
        *("a_head", "b_head", "c_head"),
    }


def test_a_fixed_policy_is_cheaper_and_shares_until_tasks_part():
    policy = {"a": "110", "b": "101", "c": "100"}
    model = MultiTaskModel(dense_tower(), AdaShared(policy), heads(THREE))
    assert cost(model).macs == 5 * 4 + 16 * (1 + 1 + 1) + 4 * (1 + 2 + 3)
    model = MultiTaskModel(dense_tower(), AdaShared(dict.fromkeys(THREE, "100")), heads(THREE))
    assert cost(model) == (24 + 20 + 5 * 6, 20 + 16 + 24)
    # A stage that some execute and others only project counts its weights once.
    both = MultiTaskModel(conv_tower(), AdaShared([[1, 1, 1], [1, 0, 1]]), pooled())
    hard = MultiTaskModel(conv_tower(), Branched.hard_sharing(), pooled())
    assert both.count_params() == hard.count_params()
    assert len({id(weight) for weight in both.weights}) == len(both.weights)


# What normalisation sees


def dense(x, weights, name):
    return x @ weights[f"shared_{name}/kernel"] + weights[f"shared_{name}/bias"]


class Normalized:
    """The residual blocks of `dense_tower(normalize=True)` in NumPy, with their statistics."""

    def __init__(self, weights):
        self.weights = weights

    def block(self, x, name):
        y = dense(x, self.weights, f"{name}_dense")
        mean, variance = y.mean(0), y.var(0)
        norm = f"shared_{name}_norm"
        for key, now in (("moving_mean", mean), ("moving_variance", variance)):
            path = f"{norm}/{key}"
            self.weights[path] = 0.8 * self.weights[path] + 0.2 * now
        y = self.weights[f"{norm}/gamma"] * (y - mean) / np.sqrt(variance + 1e-3)
        return np.maximum(x + y + self.weights[f"{norm}/beta"], 0)


def by_numpy(x, weights, policy, order):
    """Features of each task and the weights after one step; `order` is that of the tasks' calls."""
    net = Normalized(dict(weights))
    stem = dense(x, net.weights, "stem")
    after = net.block(stem, "one")  # of the same inputs for all tasks
    tasks = [p * after + (1 - p) * stem for p in policy[:, 0]]
    for place, name in enumerate(BLOCKS[1:], 1):
        if order is None:
            after = np.split(net.block(np.concatenate(tasks), name), len(tasks))
        else:
            found = {task: net.block(tasks[task], name) for task in order}
            after = [found[task] for task in range(len(tasks))]
        tasks = [
            p * output + (1 - p) * shortcut
            for p, output, shortcut in zip(policy[:, place], after, tasks, strict=True)
        ]
    return dict(zip(THREE, tasks, strict=True)), net.weights


def force(model, weights):
    """Makes the draws of training equal to given weights, but for 1e-5: noise is far below them."""
    policy = model.get_layer("skip_policy")
    policy.temperature.assign(1e6)
    logits = 1e6 * np.log(weights / (1 - weights))
    policy.logits.assign(np.stack([logits, np.zeros_like(logits)], axis=-1))


@pytest.mark.parametrize("per_task", [False, True])
def test_statistics_are_of_every_task_or_of_all(rng, tmp_path, per_task):
    sharing = AdaShared(per_task_statistics=per_task)
    features = {task: layers.Activation("linear") for task in THREE}
    model = MultiTaskModel(dense_tower(normalize=True), sharing, features)
    randomize(model, rng)
    weights = rng.uniform(0.1, 0.9, size=(3, 3))
    force(model, weights)
    x = images(rng, count=6, shape=(5,))
    # In which order Keras calls the tasks only matters to how much they weigh in the averages.
    expected = [
        by_numpy(x, state(model), weights, order)
        for order in (itertools.permutations(range(3)) if per_task else [None])
    ]
    assert_close(outputs(model, x, training=True), expected[0][0], 1e-4)
    moved = state(model)
    assert any(
        all(np.allclose(moved[path], after[path], rtol=1e-4, atol=1e-4) for path in moved)
        for _, after in expected
    )

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_close(outputs(loaded, x), outputs(model, x), 1e-6)
    assert_close(outputs(loaded, x, training=True), outputs(model, x, training=True), 1e-4)


# Weights from elsewhere, and files


def test_one_task_networks_start_a_learned_one(rng):
    x, alone = images(rng), {}
    for task in TASKS:
        network = MultiTaskModel(conv_tower(), Branched.independent(), {task: layers.Dense(2)})
        alone[task] = randomize(network, rng)
    learned = MultiTaskModel(conv_tower(), AdaShared(), {task: layers.Dense(2) for task in TASKS})
    decide(learned.initialize_from(*alone.values()), np.ones((2, 3)))
    found = outputs(learned, x)
    np.testing.assert_allclose(found["a"], outputs(alone["a"], x)["a"], rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(
        learned.head("b").get_weights(), alone["b"].head("b").get_weights(), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    # The tower is now the other one's.
    learned.initialize_towers_from(alone["b"])
    expected = outputs(alone["b"], x)["b"]
    np.testing.assert_allclose(outputs(learned, x)["b"], expected, rtol=1e-5, atol=1e-6)


POLICY = {"a": "101", "b": "011"}
"""The first task skips the block with the projection, the second one without."""


def test_networks_start_one_of_a_fixed_policy_and_the_other_way_round(rng):
    x = images(rng)
    hard = randomize(MultiTaskModel(conv_tower(), Branched.hard_sharing(), pooled()), rng)
    learned = MultiTaskModel(conv_tower(), AdaShared(), pooled()).initialize_from(hard)
    expected = outputs(decide(learned, [[1, 0, 1], [0, 1, 1]]), x)
    for donors in ([hard], [learned]):
        fixed = MultiTaskModel(conv_tower(), AdaShared(POLICY), pooled())
        assert_close(outputs(fixed.initialize_from(*donors), x), expected)
    only_b = MultiTaskModel(conv_tower(), Branched.independent(), pooled("b"))
    only_b.initialize_from(hard)
    fixed = MultiTaskModel(conv_tower(), AdaShared(POLICY), pooled())
    assert_close(outputs(fixed.initialize_towers_from(only_b), x), expected)
    # Between them the tasks of a fixed policy have run every block.
    back = MultiTaskModel(conv_tower(), Branched.hard_sharing(), pooled()).initialize_from(fixed)
    assert_close(outputs(back, x), outputs(hard, x))


def test_weights_that_no_task_has_cannot_be_taken_over(rng):
    fixed = MultiTaskModel(conv_tower(), AdaShared({"a": "101", "b": "001"}), pooled())
    hard = randomize(MultiTaskModel(conv_tower(), Branched.hard_sharing(), pooled()), rng)
    before = state(hard)
    with pytest.raises(ValueError, match=r"no weights for the stages \['two'\]"):
        hard.initialize_from(fixed)
    with pytest.raises(ValueError, match=r"no weights for the stages \['one', 'two'\]"):
        hard.initialize_towers_from(fixed, "b")
    assert all((before[path] == after).all() for path, after in state(hard).items())


def test_a_learned_policy_is_taken_over(rng):
    donor = randomize(MultiTaskModel(dense_tower(), AdaShared(), heads()), rng)
    donor.get_layer("skip_policy").logits.assign(rng.normal(size=(2, 3, 2)))
    donor.get_layer("skip_policy").active_blocks.assign(2)
    model = MultiTaskModel(dense_tower(), AdaShared(), heads()).initialize_from(donor)
    ours, theirs = state(model), state(donor)
    assert all((ours[path] == theirs[path]).all() for path in theirs)


@pytest.mark.parametrize("per_task", [False, True, None])
def test_saves_and_loads(rng, tmp_path, per_task):
    sharing = (
        AdaShared(POLICY)
        if per_task is None
        else AdaShared(
            per_task_statistics=per_task,
            temperature=2.0,
            hard=True,
            sparsity_weight=0.1,
            form="paper",
            seed=1,
        )
    )
    model = randomize(MultiTaskModel(conv_tower(), sharing, pooled()), rng)
    if per_task is not None:
        decide(model, [[1, 0, 1], [0, 1, 1]])
    x, y = images(rng), {task: rng.normal(size=(4, 4)) for task in TASKS}
    model.compile("sgd", loss="mse")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_close(outputs(loaded, x), outputs(model, x), 1e-6)
    assert loaded.get_config()["sharing"] == model.get_config()["sharing"]
    ours, theirs = state(model), state(loaded)
    assert list(ours) == list(theirs)
    assert all((ours[path] == theirs[path]).all() for path in ours)
    loaded.fit(x, y, verbose=0)


def test_configuration_comes_back():
    options = dict(
        temperature=2.0, hard=True, sparsity_weight=0.1, agreement_weight=0.2, form="paper", seed=1
    )
    for sharing in (
        AdaShared(),
        AdaShared(per_task_statistics=True, **options),
        AdaShared({"a": "10", "b": [True, False]}),
        AdaShared(np.array([[1, 0], [1, 1]])),
    ):
        twin = AdaShared.from_config(sharing.get_config())
        assert twin.get_config() == sharing.get_config()
        config = keras.saving.serialize_keras_object(sharing)
        assert keras.saving.deserialize_keras_object(config).get_config() == sharing.get_config()
    assert AdaShared({"a": "10", "b": [True, False]}).get_config()["policy"] == {
        "a": [1, 0],
        "b": [1, 0],
    }


# Stages that are skipped


def test_a_learned_policy_is_the_unit():
    learned = MultiTaskModel(conv_tower(), AdaShared(), pooled())
    assert learned.units == {"skip_policy": learned.get_layer("skip_policy")}
    fixed = MultiTaskModel(conv_tower(), AdaShared(np.ones((2, 3))), pooled())
    assert fixed.units == {}


def test_stages_that_no_layer_runs():
    model = MultiTaskModel(conv_tower(), AdaShared(POLICY), pooled())
    assert model.stages == ["stem", *BLOCKS]
    assert model.stage("a", "one").name == "shared_one"
    assert model.stage("a", "two").name == "skipped_two"
    assert model.stage("b", "three") is not None
    with pytest.raises(ValueError, match="'b' skips the stage 'one'"):
        model.stage("b", "one")
    with pytest.raises(ValueError, match=r"`stage` must be one of \['stem', 'one'.*'four'"):
        model.stage("b", "four")


@pytest.mark.parametrize("b, skipped", [("011", "one"), ("001", "one', 'two"), ("101", "two")])
def test_a_task_that_skips_stages_has_no_tower(b, skipped):
    """Also where another one runs the block, and with it the shortcut of both."""
    model = MultiTaskModel(conv_tower(), AdaShared({"a": "111", "b": b}), pooled())
    with pytest.raises(ValueError, match=rf"'b' skips the stages \['{skipped}'\]"):
        model.tower("b")
    assert model.tower("a").stages == ("stem", *BLOCKS)


def test_a_projection_that_all_tasks_take_alone_comes_back(rng, tmp_path):
    model = MultiTaskModel(conv_tower(), AdaShared({"a": "101", "b": "001"}), pooled())
    model = randomize(model, rng)
    model.save(tmp_path / "model.keras")
    x = images(rng)
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_close(outputs(loaded, x), outputs(model, x))
    assert loaded.stage("a", "two").name == loaded.stage("b", "two").name == "skipped_two"


@pytest.mark.parametrize("last, task", [("one_skipped", "a"), ("head", "skipped")])
def test_stages_may_be_called_as_what_stands_for_others(last, task, rng, tmp_path):
    x = image = keras.Input((4,))
    for width, stage in enumerate(("none", "one", last), start=5):
        y = layers.Dense(width, name=f"{stage}_dense")(x)
        x = layers.Add(name=stage)([y, layers.Dense(width, name=f"{stage}_shortcut")(x)])
    policy = {task: "110", "b": "001"}
    tower = Tower(keras.Model(image, x), ["none", "one", last])
    model = MultiTaskModel(tower, AdaShared(policy), dict.fromkeys(policy, layers.Dense(1)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    x = rng.normal(size=(2, 4)).astype("float32")
    assert_close(outputs(loaded, x), outputs(model, x))
    # A shortcut is of the stage's own layers, in the file, too.
    loaded.stage("b", "one").get_layer("shared_one_shortcut").bias.assign(np.ones(6))
    assert loaded.stage(task, "one").get_layer("shared_one_shortcut").bias[0] == 1


def test_freezing_keeps_a_stage_whether_it_is_executed_or_skipped(rng, tmp_path):
    model = MultiTaskModel(conv_tower(), AdaShared(POLICY), pooled())
    model.freeze("one", "two")
    with pytest.raises(ValueError, match="`stage` must be one of .*'four'"):
        model.freeze("stem", "four")
    model.compile("sgd", loss="mse")
    x, y = images(rng), {task: rng.normal(size=(4, 4)) for task in TASKS}
    model.save(tmp_path / "model.keras")
    for each in (model, keras.models.load_model(tmp_path / "model.keras")):
        names = {weight.path.split("/")[0] for weight in each.trainable_weights}
        assert names == {"shared_stem", "shared_three_conv", "shared_three_norm"}
        before = state(each)
        each.fit(x, y, verbose=0)
        moved = {path.split("/")[0] for path, w in state(each).items() if (w != before[path]).any()}
        assert moved == names


# Kinds of models


@pytest.fixture
def precision():
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(rng, tmp_path, precision, name):
    precision(name)
    model = randomize(MultiTaskModel(conv_tower(), AdaShared(sparsity_weight=0.1), pooled()), rng)
    kinds = {weight.path: keras.backend.standardize_dtype(weight.dtype) for weight in model.weights}
    assert kinds.pop("skip_policy/active_blocks") == "int32" and set(kinds.values()) == {"float32"}
    x, y = images(rng), {task: rng.normal(size=(4, 4)) for task in TASKS}
    model.compile(keras.optimizers.SGD(0.1), loss="mse")
    before = state(model)
    assert np.isfinite(model.fit(x, y, verbose=0).history["loss"]).all()
    moved = {path for path, weight in state(model).items() if (weight != before[path]).any()}
    assert "skip_policy/logits" in moved and "shared_three_conv/kernel" in moved
    assert model.get_layer("a_b_skip_two").output.dtype == name.removeprefix("mixed_")
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "mixed.keras")
    precision("float32")
    found = keras.models.load_model(tmp_path / "mixed.keras").predict(x, verbose=0)
    assert_close(found, expected, 1e-6)


def test_sizes_may_be_unknown(rng):
    image = keras.Input((None, None, 2))
    x = layers.Conv2D(3, 3, strides=2, padding="same", name="stem")(image)
    x = layers.Conv2D(3, 3, padding="same", name="one")(x)
    tower = Tower(keras.Model(image, layers.Conv2D(3, 1, name="two")(x)), ["stem", "one"])
    model = MultiTaskModel(tower, AdaShared(), pooled())
    model.compile("sgd", loss="mse")
    y = {task: np.ones((4, 3)) for task in TASKS}
    for size in ((6, 5), (4, 9)):
        model.fit(images(rng, shape=(*size, 2)), y, verbose=0)
        assert model.predict(images(rng, shape=(*size, 2)), verbose=0)["a"].shape == (4, 3)


def gated_tower():
    """The first block has a projection; both take a further input."""
    image, gate = keras.Input((4,), name="image"), keras.Input((3,), name="gate")
    x = layers.Dense(5, name="stem")(image)
    shortcut = layers.Dense(3, name="one_shortcut")(x)
    y = layers.Multiply(name="one_gated")([layers.Dense(3, name="one_dense")(x), gate])
    x = layers.Add(name="one")([shortcut, y])
    x = layers.Multiply(name="two")([layers.Dense(3, name="two_dense")(x), gate])
    return Tower(keras.Model([image, gate], x), ["stem", "one"])


@pytest.mark.parametrize("per_task", [False, True])
def test_several_inputs(rng, tmp_path, per_task):
    features = {task: layers.Activation("linear") for task in TASKS}
    learned = MultiTaskModel(gated_tower(), AdaShared(per_task_statistics=per_task), features)
    policy = [[1, 1], [0, 1]]
    decide(randomize(learned, rng), policy)
    fixed = MultiTaskModel(gated_tower(), AdaShared(policy), features).initialize_from(learned)
    x = {"image": images(rng, shape=(4,)), "gate": images(rng, shape=(3,))}
    weights = state(learned)
    stem = dense(x["image"], weights, "stem")
    shortcut = dense(stem, weights, "one_shortcut")
    expected = {"a": shortcut + dense(stem, weights, "one_dense") * x["gate"], "b": shortcut}
    kernel, bias = learned.stage("a", "two").get_weights()
    expected = {task: (y @ kernel + bias) * x["gate"] for task, y in expected.items()}
    for model in (learned, fixed):
        assert_close(outputs(model, x), expected)
        model.save(tmp_path / "model.keras")
        assert_close(outputs(keras.models.load_model(tmp_path / "model.keras"), x), expected)


# What is refused


@pytest.mark.parametrize(
    "policy, message",
    [
        ({"a": "110"}, r"a row for each of the tasks \['a', 'b'\]. Received: \['a'\] rows"),
        ({"a": "110", "c": "111"}, r"row for each.*Received: \['a', 'c'\]"),
        (np.ones((3, 3)), r"row for each.*Received: 3 rows"),
        ({"a": "110", "b": "11"}, r"each of the 3 blocks.*Received: 2 for 'b'"),
        (np.ones((2, 4)), r"each of the 3 blocks.*Received: 4 for 'a'"),
    ],
)
def test_policies_that_do_not_fit(policy, message):
    with pytest.raises(ValueError, match=f"`policy` must.*{message}"):
        MultiTaskModel(dense_tower(), AdaShared(policy), heads())


@pytest.mark.parametrize("row", ["012", [0.5, 1, 1], [[1], [0], [1]], 1, [None, 1, 1]])
def test_values_that_are_no_decisions(row):
    with pytest.raises(ValueError, match="`policy` must hold ones and zeros"):
        AdaShared({"a": row, "b": "111"})


@pytest.mark.parametrize("policy", ["11", 3, np.array(1), []])
def test_what_is_no_policy_is_refused_at_once(policy):
    with pytest.raises(ValueError, match="`policy` must be a dict from task to a row.*policy="):
        AdaShared(policy)


def test_wrong_options_are_refused_at_once():
    with pytest.raises(ValueError, match=r"takes no options. Received: \['sparsity_weight'\]"):
        AdaShared({"a": "1"}, sparsity_weight=0.1)
    with pytest.raises(ValueError, match="per_task_statistics"):
        AdaShared({"a": "1"}, per_task_statistics=True)
    with pytest.raises(ValueError, match="`agreement_weight` must be at least 0"):
        AdaShared(agreement_weight=-1.0)
    with pytest.raises((TypeError, ValueError), match="heat"):
        AdaShared(heat=2.0)


def test_a_tower_without_blocks_is_refused():
    image = keras.Input((5,))
    tower = Tower(keras.Model(image, layers.Dense(4, name="stem")(image)), [])
    for sharing in (AdaShared(), AdaShared({"a": "", "b": ""})):
        with pytest.raises(ValueError, match=r"no stage that can be skipped.*\['stem'\]"):
            MultiTaskModel(tower, sharing, heads())


def test_one_task_learns_a_policy_too(rng):
    model = decide(MultiTaskModel(dense_tower(), AdaShared(), heads(["a"])), [[1, 0, 1]])
    fixed = MultiTaskModel(dense_tower(), AdaShared({"a": "101"}), heads(["a"]))
    x = images(rng, shape=(5,))
    assert_close(outputs(fixed.initialize_from(model), x), outputs(model, x), 1e-6)
