"""What each task costs by itself, counted by hand."""

import keras
import numpy as np
import pytest
from keras import layers
from skip_towers import dense_tower

from keras_mtl import MultiTaskModel
from keras_mtl.search import cost, task_costs
from keras_mtl.sharing import AdaShared, Branched, CrossStitched
from keras_mtl.towers import Tower

HEADS = {"a": layers.Dense(1), "b": layers.Dense(2), "c": layers.Dense(3)}


def test_a_task_costs_what_it_executes():
    policy = {"a": "111", "b": "110", "c": "000"}
    model = MultiTaskModel(dense_tower(), AdaShared(policy), HEADS)
    found = task_costs(model)
    assert list(found) == ["a", "b", "c"]
    for (task, row), outputs in zip(policy.items(), (1, 2, 3), strict=True):
        blocks = row.count("1")
        macs = 5 * 4 + 16 * blocks + 4 * outputs
        assert found[task] == (24 + 20 * blocks + 5 * outputs, macs)
    # Stem and two blocks are shared.
    assert sum(each.macs for each in found.values()) - cost(model).macs == 2 * 20 + 2 * 16


@pytest.mark.parametrize("sharing", [Branched.independent(), Branched.hard_sharing()])
def test_tasks_alone_cost_what_one_task_networks_do(sharing):
    found = task_costs(MultiTaskModel(dense_tower(), sharing, HEADS))
    for task, head in HEADS.items():
        alone = MultiTaskModel(dense_tower(), Branched.independent(), {task: head})
        assert found[task] == cost(alone)


def test_a_task_of_a_stitched_network_needs_all_towers():
    model = MultiTaskModel(dense_tower(), CrossStitched(after=["two"]), HEADS)
    # But for what comes behind the last unit: a block and a head of the other tasks.
    alone = cost(model).macs - 2 * 16 - 4 * (2 + 3)
    assert task_costs(model)["a"].macs == alone


def test_tasks_of_a_learned_policy_are_one_batch():
    model = MultiTaskModel(dense_tower(), AdaShared(), HEADS)
    for task, outputs in zip(HEADS, (1, 2, 3), strict=True):
        assert task_costs(model)[task].macs == 20 + 16 + 3 * 2 * 16 + 4 * outputs


def test_sizes_of_the_input_and_heads_of_several_outputs():
    image, mask = keras.Input((None, None, 2), name="image"), keras.Input((1,), name="mask")
    x = layers.Conv2D(3, 1, name="stem")(image)
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Multiply(name="masked")([x, mask]))
    tower = Tower(keras.Model([image, mask], x), ["stem"])
    features = keras.Input((3,))
    both = {"low": layers.Dense(1)(features), "high": layers.Dense(2)(features)}
    heads = {"extent": keras.Model(features, both), "score": layers.Dense(4)}
    found = task_costs(MultiTaskModel(tower, Branched.hard_sharing(), heads), [(5, 7, 2), (1,)])
    stem = 5 * 7 * 2 * 3
    assert {task: each.macs for task, each in found.items()} == {
        "extent": stem + 3 * (1 + 2),
        "score": stem + 3 * 4,
    }


def test_what_cost_refuses_is_refused():
    tower = Tower(keras.Sequential([keras.Input((None, 2)), layers.Dense(3)]), [])
    model = MultiTaskModel(tower, Branched.hard_sharing(), HEADS)
    with pytest.raises(TypeError, match="`model` must be a MultiTaskModel"):
        task_costs(tower.model)
    with pytest.raises(ValueError, match="`input_shape` must give all sizes"):
        task_costs(model)
    assert np.isfinite([each.macs for each in task_costs(model, (4, 2)).values()]).all()
