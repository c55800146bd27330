"""The branched ResNet: what of it is shared, its size, files."""

import math

import keras
import numpy as np
import pytest

from keras_mtl.applications import BranchedResNet, DeepLab
from keras_mtl.sharing import Branched
from keras_mtl.towers import ResNet
from keras_mtl.towers.resnet import locations, stage_names

pytestmark = pytest.mark.whole_network

TINY = dict(input_shape=(33, 40, 3), depth=18, width=1 / 16, features=8)
TASKS = {"segmentation": 5, "edges": "map", "depth": "depth"}
PAIR = [["segmentation", "edges"], ["depth"]]
TREE = dict(zip(locations(18)[1:3], [[list(TASKS)], PAIR], strict=True))


def count(weights):
    return sum(math.prod(weight.shape) for weight in weights)


@pytest.fixture
def shapes_only():
    """Builds networks without values in their weights, which counts do not need."""

    def network(build, *args, **options):
        with keras.StatelessScope(initialize_variables=False):
            return build(*args, **options)

    yield network
    # Keras would make up for the values in the next scope that it opens.
    keras.utils.clear_session()


@pytest.mark.one_backend
def test_a_stage_counts_once_for_each_of_its_groups(shapes_only):
    """ResNet-50, whose blocks up to each location are shared as the tree says."""
    tasks = {name: keras.layers.GlobalAveragePooling2D() for name in "abcd"}
    partitions = [["abcd"], ["ab", "cd"], ["ab", "c", "d"], ["a", "b", "c", "d"]]
    trees = [[list(group) for group in partition] for partition in partitions]
    model = shapes_only(BranchedResNet, dict(zip(locations(50), trees, strict=True)), tasks)
    assert model.name == "branched_resnet" and model.inputs[0].shape == (None, 256, 512, 3)
    assert tuple(model.output["a"].shape) == (None, 2048)

    net = shapes_only(ResNet, 50)
    names = list(stage_names(50))
    expected, start = 0, 0
    for location, partition in zip(locations(50), partitions, strict=True):
        end = names.index(location) + 1
        # The stem is in front of the first block.
        prefixes = tuple("stem" if name == "stem" else f"{name}_" for name in names[start:end])
        layers = [layer for layer in net.layers if layer.name.startswith(prefixes)]
        expected += len(partition) * sum(count(layer.trainable_weights) for layer in layers)
        start = end
    assert count(model.trainable_weights) == expected > count(net.trainable_weights)


def test_predicts_and_comes_back(rng, tmp_path):
    model = BranchedResNet(TREE, TASKS, **TINY, seed=1)
    assert [
        len({model.stage(task, stage).name for task in TASKS}) for stage in stage_names(18)
    ] == [
        *(1, 1, 1, 1, 1),
        *(2, 2, 3, 3),
    ]
    x = rng.uniform(0, 255, (2, 33, 40, 3)).astype("float32")
    expected = model.predict(x, verbose=0)
    assert {task: maps.shape for task, maps in expected.items()} == {
        task: (2, 33, 40, channels) for task, channels in zip(TASKS, (5, 1, 1), strict=True)
    }
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "some.weights.h5")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    again = BranchedResNet(TREE, TASKS, weights=tmp_path / "some.weights.h5", **TINY, seed=2)
    for twin in (loaded, again):
        for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_starts_from_one_task_networks():
    donors = [
        DeepLab(Branched.independent(), {task: kind}, **TINY, seed=number)
        for number, (task, kind) in enumerate(TASKS.items())
    ]
    model = BranchedResNet(TREE, TASKS, **TINY).initialize_from(*donors)
    for stage, source in (("stem", 0), ("block3_1", 0), ("block4_2", 1)):
        ours = model.stage("edges", stage).get_weights()
        theirs = donors[source].stage(list(TASKS)[source], stage).get_weights()
        assert all((a == b).all() for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"depth": 101}, "`depth` must be one of"),
        ({"tree": {"block2_9": PAIR}}, "`tree` must name stages of the tower"),
        ({"tree": {"block2_2": PAIR[:1]}}, "`tree` must put each of the tasks"),
        ({"tasks": ["depth"]}, "`tasks` must be a dict"),
    ],
)
def test_wrong_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        BranchedResNet(**{"tree": TREE, "tasks": TASKS, **TINY, **options})
