"""What each task costs by itself."""

import keras
import pytest
from keras import layers
from skip_towers import dense_tower

from keras_mtl import MultiTaskModel
from keras_mtl.search import cost, relative_gain, task_costs
from keras_mtl.sharing import AdaShared, Branched, CrossStitched

HEADS = {"a": layers.Dense(1), "b": layers.Dense(3)}
STEM, BLOCK = 5 * 4, 4 * 4


def macs(sharing):
    model = MultiTaskModel(dense_tower(), sharing, HEADS)
    costs = task_costs(model)
    return costs["a"].macs, costs["b"].macs, cost(model).macs


def test_what_is_shared_counts_for_every_task():
    trunk, heads = STEM + 3 * BLOCK, (4, 12)
    assert macs(Branched.hard_sharing()) == (trunk + 4, trunk + 12, trunk + sum(heads))
    assert macs(Branched.independent()) == (trunk + 4, trunk + 12, 2 * trunk + sum(heads))


def test_a_task_counts_what_it_executes():
    ours = macs(AdaShared({"a": "100", "b": "101"}))
    assert ours == (STEM + BLOCK + 4, STEM + 2 * BLOCK + 12, STEM + 2 * BLOCK + 16)


def test_a_task_of_a_stitched_network_needs_all_towers():
    alone, _, both = macs(CrossStitched(after=["two"]))
    # But for what comes behind the last unit.
    assert alone == both - BLOCK - 12


def test_parameters_are_those_of_what_a_task_needs():
    model = MultiTaskModel(dense_tower(), AdaShared({"a": "000", "b": "010"}), HEADS)
    costs = task_costs(model)
    assert costs["a"].parameters == 6 * 4 + 5
    assert costs["b"].parameters == 6 * 4 + 5 * 4 + 15


def test_other_models_are_refused():
    with pytest.raises(TypeError, match="`model` must be a MultiTaskModel"):
        task_costs(keras.Sequential([keras.Input((3,)), layers.Dense(1)]))


def test_the_gain_is_the_mean_over_tasks_of_the_mean_over_their_scores():
    ours = {"depth": {"error": 0.4, "within": 0.9}, "labels": {"iu": 0.3}}
    theirs = {"depth": {"error": 0.5, "within": 0.8}, "labels": {"iu": 0.4}}
    gain = relative_gain(ours, theirs, ["error"])
    assert gain == pytest.approx(((20 + 12.5) / 2 - 25) / 2)
    with pytest.raises(ValueError, match="unknown tasks .'errors'.*error"):
        relative_gain(ours, theirs, ["errors"])
    with pytest.raises(ValueError, match="must be of the same tasks"):
        relative_gain(ours, {**theirs, "labels": 0.4})
