"""Trees of stages: what is shared, counted by hand, and what is refused."""

import json

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy_weights import draw_by_numpy

from keras_mtl import MultiTaskModel
from keras_mtl.sharing import Branched
from keras_mtl.towers import CaffeNet, Tower
from keras_mtl.towers.caffenet import STAGES

TASKS = ("a", "b", "c")

# CaffeNet at 1/32 of its width has 4, 8, 12, 12, 8, 128 and 128 channels, in two groups at conv2,
# conv4 and conv5: window · inputs of a group · outputs + biases.
PARAMETERS = {
    "conv1": 11 * 11 * 3 * 4 + 4,
    "pool1": 0,
    "conv2": 5 * 5 * 2 * 8 + 8,
    "pool2": 0,
    "conv3": 3 * 3 * 8 * 12 + 12,
    "conv4": 3 * 3 * 6 * 12 + 12,
    "conv5": 3 * 3 * 6 * 8 + 8,
    "pool5": 0,
    "fc6": 6 * 6 * 8 * 128 + 128,
    "fc7": 128 * 128 + 128,
}


@pytest.fixture(scope="module")
def caffenet():
    with pytest.MonkeyPatch.context() as patch:
        draw_by_numpy(patch)
        net = CaffeNet(
            include_top=False,
            input_shape=(32, 32, 3),
            width=1 / 32,
            stem_strides=2,
            padding="same",
            fully_convolutional=True,
        )
    return Tower(net, STAGES)


@pytest.fixture(autouse=True)
def weights_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


def small_tower():
    image = keras.Input((5,))
    x = layers.Dense(4, activation="tanh", name="one")(image)
    x = layers.Dense(4, activation="tanh", name="two")(x)
    return Tower(keras.Model(image, layers.Dense(4, name="three")(x)), ["one", "two"])


def model_of(tower, sharing, tasks=TASKS):
    """Heads without weights, so that the tree alone is counted."""
    heads = {task: layers.Activation("linear") for task in tasks}
    return MultiTaskModel(tower, sharing, heads)


def groups(model):
    """Which tasks share, at every stage, by the identity of the layer that runs it."""
    return [
        {
            frozenset(t for t in model.tasks if model.stage(t, stage) is model.stage(task, stage))
            for task in model.tasks
        }
        for stage in model.stages
    ]


ALL_SHARED = {frozenset(TASKS)}
ALL_APART = {frozenset([task]) for task in TASKS}


# Parameters


def test_one_tower_has_the_parameters_counted_by_hand(caffenet):
    assert caffenet.stages == tuple(PARAMETERS)
    assert caffenet.model.count_params() == sum(PARAMETERS.values())


def test_parameters_of_the_extremes(caffenet):
    total = sum(PARAMETERS.values())
    assert model_of(caffenet, Branched.hard_sharing()).count_params() == total
    assert model_of(caffenet, Branched.independent()).count_params() == 3 * total


@pytest.mark.parametrize("at", [*STAGES, "heads"])
def test_parameters_of_split_at_every_stage(caffenet, at):
    model = model_of(caffenet, Branched.split(at=at), tasks=("a", "b"))
    shared = STAGES if at == "heads" else STAGES[: STAGES.index(at)]
    counts = [(1 if stage in shared else 2) * PARAMETERS[stage] for stage in STAGES]
    assert model.count_params() == sum(counts)


def test_parameters_of_a_tree(caffenet):
    groups_at = {"conv1": [["a", "b", "c"]], "conv3": [["a", "c"], ["b"]]}
    groups_at["fc6"] = [["a"], ["b"], ["c"]]
    tree, partition = [], None
    for stage in STAGES:
        partition = groups_at.get(stage, partition)
        tree.append(partition)
    model = model_of(caffenet, Branched(tree))
    expected = sum(
        len(partition) * PARAMETERS[stage] for stage, partition in zip(STAGES, tree, strict=True)
    )
    assert model.count_params() == expected


# Structure


def test_extremes_are_the_ends_of_split():
    tower = small_tower()
    assert groups(model_of(tower, Branched.hard_sharing())) == [ALL_SHARED] * 3
    assert groups(model_of(tower, Branched.split(at="heads"))) == [ALL_SHARED] * 3
    assert groups(model_of(tower, Branched.independent())) == [ALL_APART] * 3
    assert groups(model_of(tower, Branched.split(at="one"))) == [ALL_APART] * 3
    split = groups(model_of(tower, Branched.split(at="two")))
    assert split == [ALL_SHARED, ALL_APART, ALL_APART]
    tree = [[list(TASKS)], *[[[task] for task in TASKS]] * 2]
    assert groups(model_of(tower, Branched(tree))) == split


def test_names_tell_who_shares():
    tree = [[["a", "b", "c"]], [["a", "c"], ["b"]], [["a"], ["c"], ["b"]]]
    model = model_of(small_tower(), Branched(tree))
    assert [model.stage("c", stage).name for stage in model.stages] == [
        "shared_one",
        "a_c_two",
        "c_three",
    ]
    assert model.stage("b", "two").name == "b_two"


@pytest.mark.parametrize(
    "sharing",
    [
        Branched.independent(),
        Branched.hard_sharing(),
        Branched.split(at="two"),
        Branched([[["c", "a", "b"]], [["b"], ["a", "c"]], [["b"], ["c"], ["a"]]]),
    ],
    ids=["independent", "hard", "split", "tree"],
)
def test_every_task_starts_as_the_tower(rng, sharing):
    tower = small_tower()
    model = model_of(tower, sharing)
    x = rng.normal(size=(3, 5)).astype("float32")
    expected = ops.convert_to_numpy(tower.model(x))
    for task, output in model(x).items():
        np.testing.assert_allclose(ops.convert_to_numpy(output), expected, atol=1e-6, err_msg=task)


def test_a_task_trains_the_stages_that_it_shares_and_no_other(rng):
    tree = [[["a", "b", "c"]], [["a", "c"], ["b"]], [["a"], ["b"], ["c"]]]
    model = model_of(small_tower(), Branched(tree))
    model.compile("sgd", loss={"a": "mse"})
    names = {layer.name for layer in model.layers if layer.weights}
    before = {name: np.concatenate(weights(model, name), axis=None) for name in names}
    model.fit(rng.normal(size=(4, 5)), {"a": rng.normal(size=(4, 4))}, verbose=0)
    after = {name: np.concatenate(weights(model, name), axis=None) for name in names}
    moved = {name for name in names if (before[name] != after[name]).any()}
    assert moved == {"shared_one", "a_c_two", "a_three"}


def weights(model, name):
    return model.get_layer(name).get_weights()


@pytest.mark.parametrize(
    "sharing",
    [Branched([[["a"], ["b"]]] * 3), Branched.hard_sharing(), Branched.split(at="two")],
)
def test_configuration_comes_back(sharing):
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(sharing))
    assert twin.get_config() == sharing.get_config()


# Trees that name some of the stages, here in an order that is not that of the alphabet.


def reversed_tower():
    image = keras.Input((5,))
    x = layers.Dense(4, activation="tanh", name="stem")(image)
    x = layers.Activation("tanh", name="bend")(x)
    x = layers.Dense(6, activation="tanh", name="middle")(x)
    x = layers.Dense(3, activation="tanh", name="late")(x)
    return Tower(keras.Model(image, x), ["stem", "bend", "middle"])


TOGETHER, TWO, APART = [["a", "b", "c"]], [["b"], ["c", "a"]], [["a"], ["c"], ["b"]]
STEM, MIDDLE, LATE = 5 * 4 + 4, 4 * 6 + 6, 6 * 3 + 3


@pytest.mark.parametrize(
    "tree, whole, parameters",
    [
        ({}, [APART] * 4, 3 * (STEM + MIDDLE + LATE)),
        ({"late": TOGETHER}, [TOGETHER] * 4, STEM + MIDDLE + LATE),
        ({"late": TWO}, [TWO] * 4, 2 * (STEM + MIDDLE + LATE)),
        ({"stem": TOGETHER}, [TOGETHER, *[APART] * 3], STEM + 3 * (MIDDLE + LATE)),
        ({"bend": TWO}, [TWO, TWO, APART, APART], 2 * STEM + 3 * (MIDDLE + LATE)),
        (
            {"stem": TOGETHER, "middle": TWO, "late": APART},
            [TOGETHER, TWO, TWO, APART],
            STEM + 2 * MIDDLE + 3 * LATE,
        ),
        (
            {"bend": TOGETHER, "late": TWO},
            [TOGETHER, TOGETHER, TWO, TWO],
            STEM + 2 * (MIDDLE + LATE),
        ),
    ],
)
def test_a_stage_that_is_not_named_is_shared_as_the_next_one(tree, whole, parameters):
    model = model_of(reversed_tower(), Branched(tree))
    assert groups(model) == groups(model_of(reversed_tower(), Branched(whole)))
    assert groups(model) == [{frozenset(group) for group in partition} for partition in whole]
    assert model.count_params() == parameters


def test_a_tree_by_names_is_saved(rng, tmp_path):
    tree = {"stem": TOGETHER, "middle": TWO, "late": APART}
    heads = {task: layers.Dense(2) for task in TASKS}
    model = MultiTaskModel(reversed_tower(), Branched(tree), heads)
    for layer in model.layers:
        layer.set_weights([rng.normal(size=each.shape) for each in layer.get_weights()])
    model.save(tmp_path / "tree.keras")
    loaded = keras.models.load_model(tmp_path / "tree.keras")
    assert groups(loaded) == groups(model)
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]
    x = rng.normal(size=(3, 5)).astype("float32")
    expected = model(x)
    for task, found in loaded(x).items():
        np.testing.assert_allclose(
            ops.convert_to_numpy(found), ops.convert_to_numpy(expected[task]), atol=1e-6
        )
    again = MultiTaskModel(reversed_tower(), Branched(json.loads(json.dumps(tree))), heads)
    assert groups(again) == groups(model)
    twin = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(keras.saving.serialize_keras_object(Branched(tree))))
    )
    assert twin.tree == tree and list(twin.tree) == list(tree)


def test_a_tree_of_tuples_is_kept_as_lists():
    as_tuples = {"stem": (("a", "b", "c"),), "late": (("b",), ("c", "a"))}
    assert Branched(as_tuples).get_config()["tree"] == {"stem": TOGETHER, "late": TWO}
    assert Branched(tuple(as_tuples.values())).tree == [TOGETHER, TWO]
    tree = {"stem": [["a", "b"]]}
    sharing = Branched(tree)
    tree["stem"][0].append("c")
    assert sharing.tree == {"stem": [["a", "b"]]}


@pytest.mark.parametrize(
    "sharing", [Branched([TWO] * 4), Branched({"middle": TWO}), Branched.split(at="late")]
)
def test_a_partition_can_be_changed_without_the_sharing(sharing):
    tower = reversed_tower()
    for stage in tower.stages:
        before = sharing.partition(stage, tower, TASKS)
        changed = sharing.partition(stage, tower, TASKS)
        changed[0].append("d")
        changed.append(["e"])
        assert sharing.partition(stage, tower, TASKS) == before


@pytest.mark.parametrize(
    "tree, message",
    [
        (
            {"late": APART, "stem": TOGETHER},
            r"in its order: \['stem'.*Received: \['late', 'stem'\]",
        ),
        ({"stem": TOGETHER, "top": APART}, r"must name stages of the tower.*'top'"),
        ({"stem": APART, "late": TOGETHER}, "only branch.*'bend'"),
        ({"stem": TWO, "middle": [["a", "b"], ["c"]]}, "only branch.*'bend'"),
        ({"late": [["a", "b"]]}, "each of the tasks .* into one group.*'stem'"),
        ({"late": [["a", "b"], ["b", "c"]]}, "each of the tasks .* into one group"),
        ({"late": [["a", "b", "c"], []]}, "a list of groups.*'late'"),
        ({"late": []}, "a list of groups.*'late'"),
    ],
)
def test_malformed_trees_by_names_are_refused(tree, message):
    with pytest.raises(ValueError, match=message):
        model_of(reversed_tower(), Branched(tree))


@pytest.mark.parametrize(
    "tree, message",
    [
        ({"late": ["age", "kind"]}, "a list of groups.*at stage 'late': .'age', 'kind'"),
        ([[["a", "b"]], ["a", "b"]], "a list of groups.*at stage 1"),
        ({"late": "ab"}, "a list of groups.*'late': 'ab'"),
        ("late", "`tree` must be a list or a dict of partitions.*'late'"),
        (3, "`tree` must be a list or a dict of partitions.*3"),
    ],
)
def test_what_is_no_tree_is_refused_at_once(tree, message):
    with pytest.raises(ValueError, match=message):
        Branched(tree)


def test_a_tree_by_names_and_split_at_exclude_each_other():
    with pytest.raises(ValueError, match="`tree` or `split_at`, not both"):
        Branched({"stem": TOGETHER}, split_at="late")


# What is refused


@pytest.mark.parametrize(
    "tree, message",
    [
        ([[["a", "b", "c"]]] * 2, r"one partition .* for each stage .* Received: 2 partitions"),
        ([[["a", "b"]]] * 3, r"each of the tasks \['a', 'b', 'c'\].*at stage 'one'"),
        ([[["a", "b", "c", "d"]]] * 3, "into one group at every stage"),
        ([[["a", "b", "c"]], [["a", "b"], ["b", "c"]], [[*"abc"]]], "at stage 'two'"),
        ([[["a", "b"], ["c"]], [["a", "b", "c"]], [["a", "b", "c"]]], "only branch.*'two'"),
        ([[["a", "b"], ["c"]], [["a"], ["b", "c"]], [["a"], ["b"], ["c"]]], "only branch"),
    ],
)
def test_malformed_trees_are_refused(tree, message):
    with pytest.raises(ValueError, match=message):
        model_of(small_tower(), Branched(tree))


def test_tree_and_split_at_exclude_each_other():
    with pytest.raises(ValueError, match="`tree` or `split_at`, not both. Received: tree="):
        Branched(tree=[[["a"]]], split_at="one")


def test_split_after_an_unknown_stage_lists_the_known():
    with pytest.raises(ValueError, match=r"`split_at` must .* \['one', 'two', 'three'.*'ten'"):
        model_of(small_tower(), Branched.split(at="ten"))
