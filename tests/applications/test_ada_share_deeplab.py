"""AdaShare's network: the published counts, and what it takes."""

import keras
import numpy as np
import pytest
from keras_mtl.applications import AdaShareDeepLab, DeepLab

from keras_mtl.datasets import AlternatingBatches, ArrayBatches
from keras_mtl.search import cost, prune, task_costs
from keras_mtl.sharing import Branched

TINY = {"depth": 18, "width": 1 / 32, "features": 4}
KINDS = {"segmentation": 5, "normals": "normals", "depth": "depth", "edges": "map"}
# Depth, what the tasks execute, G MACs of the backbone at 224 × 224 summed over the tasks as
# published, and with what the tasks have in common counted once.
PUBLISHED = {
    "Cityscapes-2": (34, ["1111100101110111", "1101111110111111"], 33.35, 32.749),
    "NYUv2-2": (18, ["10111111", "11111011"], 18.48, 18.124),
    "NYUv2-3": (
        34,
        ["1111110111111111", "1111111110001111", "1111101111001111"],
        50.13,
        47.327,
    ),
    "Taskonomy-5": (
        34,
        [
            *("1111111111111111", "1111101111110111", "1111010111111111"),
            *("1110111111111111", "1111111110010111"),
        ],
        87.75,
        81.058,
    ),
}


@pytest.fixture
def on_paper():
    """Models of full size without their weights."""
    with keras.StatelessScope(initialize_variables=False):
        yield
    keras.utils.clear_session()


def test_parameters_are_those_of_the_published_network(on_paper):
    model = AdaShareDeepLab()
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == 90_695_760
    assert tuple(model.get_layer("skip_policy").logits.shape) == (3, 16, 2)
    assert {task: tuple(x.shape) for task, x in model.output.items()} == {
        "segmentation": (None, 321, 321, 40),
        "normals": (None, 321, 321, 3),
        "depth": (None, 321, 321, 1),
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_multiplications_are_the_published_ones(on_paper, name):
    depth, policy, separate, shared = PUBLISHED[name]
    tasks = {f"task{n}": keras.layers.GlobalAveragePooling2D() for n in range(len(policy))}
    model = AdaShareDeepLab(tasks, (224, 224, 3), depth=depth, policy=policy)
    of_tasks = sum(each.macs for each in task_costs(model).values())
    assert of_tasks / 1e9 == pytest.approx(separate, rel=0.005)
    assert cost(model).macs / 1e9 == pytest.approx(shared, abs=0.001)


def test_learns_and_is_pruned(rng):
    model = AdaShareDeepLab(KINDS, (33, 40, 3), **TINY, sparsity=0.1, sharing=0.1, seed=0)
    y = {
        "segmentation": rng.integers(0, 5, (4, 33, 40)),
        "normals": np.broadcast_to([0, 0, -1.0], (4, 33, 40, 3)).astype("float32"),
        "depth": rng.uniform(1, 3, (4, 33, 40, 1)).astype("float32"),
        "edges": rng.random((4, 33, 40, 1)).astype("float32"),
    }
    x = rng.uniform(0, 255, (4, 33, 40, 3)).astype("float32")
    losses = {
        "segmentation": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        **dict.fromkeys(["normals", "depth", "edges"], "mse"),
    }
    model.compile("sgd", loss=losses)
    part = ArrayBatches(x, y, 2)
    data = AlternatingBatches(part, part)
    with pytest.raises(ValueError, match="`shuffle` must be False for AlternatingBatches"):
        model.fit(data, verbose=0)
    model.fit(data, shuffle=False, verbose=0)
    pruned = prune(model)
    for task, expected in model.predict(x, verbose=0).items():
        np.testing.assert_allclose(pruned.predict(x, verbose=0)[task], expected, atol=1e-4)
    assert cost(pruned).macs < cost(model).macs


def test_a_given_policy_is_not_learned():
    tasks = {"depth": "depth", "edges": "map"}
    model = AdaShareDeepLab(tasks, (32, 32, 3), **TINY, policy=np.eye(2, 8, dtype=bool))
    assert not any(layer.name == "skip_policy" for layer in model.layers)
    with pytest.raises(ValueError, match="is not learned: it takes no options.*'sparsity'"):
        AdaShareDeepLab(tasks, (32, 32, 3), **TINY, policy=np.eye(2, 8), sparsity=0.1)
    with pytest.raises(TypeError, match="`options` must be some of.*'temprature'"):
        AdaShareDeepLab(tasks, (32, 32, 3), **TINY, temprature=3)


@pytest.mark.parametrize(
    "tasks, shape, message",
    [
        ({"depth": "metres"}, (32, 32, 3), r"`tasks\['depth'\]` must be.*'metres'"),
        ({"labels": 1}, (32, 32, 3), r"`tasks\['labels'\]` must be a number of classes \(2"),
        (["depth"], (32, 32, 3), "`tasks` must be a dict"),
        ({"depth": "depth"}, (None, 32, 3), "`input_shape` must be known"),
    ],
)
def test_bad_arguments(tasks, shape, message):
    with pytest.raises(ValueError, match=message):
        DeepLab(Branched.hard_sharing(), tasks, shape, **TINY)
