"""AdaShare's network: the paper's counts, training, files."""

import math

import keras
import numpy as np
import pytest

from keras_mtl.applications import AdaShareDeepLab, DeepLab
from keras_mtl.datasets import AlternatingBatches, ArrayBatches
from keras_mtl.search import cost, prune, task_costs
from keras_mtl.sharing import Branched

pytestmark = pytest.mark.whole_network

# By data set: depth, what each task of the paper executes, and the MACs at 224² in 10⁹: summed over
# the tasks, and with what they have in common run once.
PUBLISHED = {
    "Cityscapes, 2 tasks": (34, ["1111100101110111", "1101111110111111"], 33.35, 32.749),
    "NYUv2, 2 tasks": (18, ["10111111", "11111011"], 18.48, 18.124),
    "NYUv2, 3 tasks": (
        34,
        ["1111110111111111", "1111111110001111", "1111101111001111"],
        50.13,
        47.327,
    ),
    "Taskonomy, 5 tasks": (
        34,
        [
            *("1111111111111111", "1111101111110111", "1111010111111111"),
            *("1110111111111111", "1111111110010111"),
        ],
        87.75,
        81.058,
    ),
}
ALL_ON = {34: 18.529, 18: 9.857}

TINY = dict(depth=18, width=1 / 16, features=8)
TASKS = {"segmentation": 5, "normals": "normals", "depth": "depth", "edges": "map"}


@pytest.fixture
def shapes_only():
    """Builds networks without values in their weights, which counts do not need."""

    def network(*args, **options):
        with keras.StatelessScope(initialize_variables=False):
            return AdaShareDeepLab(*args, **options)

    yield network
    # Keras would make up for the values in the next scope that it opens.
    keras.utils.clear_session()


def free_heads(count):
    """Heads that cost nothing, so that the blocks alone are counted."""
    return {f"task{number}": keras.layers.GlobalAveragePooling2D() for number in range(count)}


def count(weights):
    return sum(math.prod(weight.shape) for weight in weights)


# Published counts


def test_parameters_are_those_of_the_published_network(shapes_only):
    """The ResNet-34, heads of 40, 3 and 1 channels, and the logits of 3 tasks and 16 blocks."""
    model = shapes_only()
    assert count(model.trainable_weights) == 90_695_760
    resnet, logits = 21_284_672, 3 * 16 * 2
    assert 90_695_760 == resnet + logits + 23_240_864 + 23_089_164 + 23_080_964
    assert model.tasks == ["segmentation", "normals", "depth"]
    shapes = {task: tuple(output.shape) for task, output in model.output.items()}
    channels = {"segmentation": 40, "normals": 3, "depth": 1}
    assert shapes == {task: (None, 321, 321, size) for task, size in channels.items()}


@pytest.mark.parametrize("name", PUBLISHED)
def test_multiply_accumulates_are_those_of_the_published_policies(shapes_only, name):
    depth, rows, alone, shared = PUBLISHED[name]
    heads = free_heads(len(rows))
    policy = dict(zip(heads, rows, strict=True))
    model = shapes_only(heads, (224, 224, 3), depth=depth, policy=policy)
    found = sum(each.macs for each in task_costs(model).values())
    assert found == pytest.approx(1e9 * alone, rel=5e-3)
    assert found < 1e9 * ALL_ON[depth] * len(rows)
    assert cost(model).macs == pytest.approx(1e9 * shared, abs=1e6)
    assert cost(model).macs < found


def test_a_learned_policy_runs_all_blocks_for_all_tasks(shapes_only):
    """But for the stem and the first block, of 118 and 231 million MACs, which they share."""
    stem, block = 7 * 7 * 3 * 64 * 112**2, 2 * 3 * 3 * 64 * 64 * 57**2
    model = shapes_only(free_heads(2), (224, 224, 3), depth=18)
    expected = 2 * 1e9 * ALL_ON[18] - stem - block
    assert cost(model).macs == pytest.approx(expected, rel=1e-3)


# Small networks


def images(rng, count=2):
    return rng.uniform(0, 255, size=(count, 33, 40, 3)).astype("float32")


def tiny(tasks=None, **options):
    return AdaShareDeepLab(tasks or TASKS, (33, 40, 3), **{**TINY, **options})


def test_a_learned_policy_trains_is_pruned_and_comes_back(rng, tmp_path):
    model = tiny(sparsity_weight=0.1, agreement_weight=0.1, seed=1)
    losses = {
        "segmentation": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **dict.fromkeys(["normals", "depth", "edges"], "mse"),
    }
    model.compile(keras.optimizers.SGD(1e-3), loss=losses)
    y = {
        "segmentation": rng.integers(0, 5, size=(2, 33, 40)),
        "normals": np.ones((2, 33, 40, 3), "float32") / 3**0.5,
        "depth": np.ones((2, 33, 40, 1), "float32"),
        "edges": rng.random((2, 33, 40, 1)).astype("float32"),
    }
    policy = model.get_layer("skip_policy")
    assert policy.blocks[:3] == ["block1_1", "block1_2", "block2_1"] and len(policy.blocks) == 8
    before = keras.ops.convert_to_numpy(policy.logits).copy()
    x = images(rng)
    part = ArrayBatches(x, y, 2)
    data = AlternatingBatches(part, part)
    with pytest.raises(ValueError, match="`shuffle` must be False for AlternatingBatches"):
        model.fit(data, verbose=0)
    assert np.isfinite(model.fit(data, shuffle=False, verbose=0).history["loss"]).all()
    assert (keras.ops.convert_to_numpy(policy.logits) != before).any()

    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "learned.keras")
    pruned = prune(model)
    pruned.save(tmp_path / "pruned.keras")
    for name in ("learned", "pruned"):
        found = keras.models.load_model(tmp_path / f"{name}.keras").predict(x, verbose=0)
        for task in TASKS:
            np.testing.assert_allclose(found[task], expected[task], rtol=1e-4, atol=1e-4)


def test_a_fixed_policy_starts_from_a_network_that_shares_all(rng):
    hard = DeepLab(Branched.hard_sharing(), TASKS, (33, 40, 3), seed=3, **TINY)
    all_on = tiny(policy=np.ones((4, 8)), seed=4).initialize_from(hard)
    x = images(rng)
    expected = hard.predict(x, verbose=0)
    for task, found in all_on.predict(x, verbose=0).items():
        np.testing.assert_allclose(found, expected[task], rtol=1e-5, atol=1e-5)
    # The second task skips a block with a projection.
    rows = ["11111111", "11011111", "10000001", "00000000"]
    fixed = tiny(policy=dict(zip(TASKS, rows, strict=True))).initialize_from(hard)
    found = fixed.predict(x, verbose=0)
    np.testing.assert_allclose(
        found["segmentation"], expected["segmentation"], rtol=1e-5, atol=1e-5
    )
    assert (np.abs(found["normals"] - expected["normals"]) > 1e-4).any()
    assert all(np.isfinite(output).all() for output in found.values())


def test_options_reach_the_policy():
    options = dict(
        temperature=2.0, hard=True, sparsity_weight=0.1, agreement_weight=0.2, form="paper", seed=5
    )
    config = tiny(per_task_statistics=True, **options).get_layer("skip_policy").get_config()
    assert {name: config[name] for name in options} == options
    assert config["tasks"] == list(TASKS)


def test_weights_of_a_file(rng, tmp_path):
    model = tiny(seed=1)
    model.save_weights(tmp_path / "some.weights.h5")
    loaded = tiny(seed=2, weights=tmp_path / "some.weights.h5")
    x = images(rng)
    for task, found in loaded.predict(x, verbose=0).items():
        np.testing.assert_array_equal(found, model.predict(x, verbose=0)[task])


def test_a_given_policy_is_not_learned():
    model = tiny(policy=np.ones((4, 8), bool))
    assert "skip_policy" not in {layer.name for layer in model.layers}
    with pytest.raises(ValueError, match="is not learned: it takes no options.*'sparsity_weight'"):
        tiny(policy=np.ones((4, 8)), sparsity_weight=0.1)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"depth": 101}, "`depth` must be one of"),
        ({"policy": np.ones((4, 16))}, "`policy` must have one value for each of the 8 blocks"),
        ({"sparsity_weight": -1.0}, "`sparsity_weight` must be at least 0"),
        ({"temprature": 3}, "`options` must be some of.*'temprature'"),
        ({"tasks": {"depth": "metres"}}, r"`tasks\['depth'\]` must be a number of.*'metres'"),
        ({"tasks": {"labels": 1}}, r"`tasks\['labels'\]` must be a number of classes \(2"),
        ({"tasks": ["depth"]}, "`tasks` must be a dict"),
        ({"input_shape": (None, 40, 3)}, "`input_shape` must be known"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        AdaShareDeepLab(**{"tasks": TASKS, "input_shape": (33, 40, 3), **TINY, **options})
