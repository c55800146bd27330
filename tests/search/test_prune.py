"""A pruned model does what the whole one does in inference, with less."""

import keras
import numpy as np
import pytest
from keras import layers
from skip_towers import TASKS, assert_close, conv_tower, decide, outputs, randomize

from keras_mtl import MultiTaskModel
from keras_mtl.search import cost, prune
from keras_mtl.sharing import AdaShared, Branched

THREE = [*TASKS, "c"]


def learned(rng, sharing=None):
    heads = {
        task: keras.Sequential([layers.GlobalAveragePooling2D(), layers.Dense(2)]) for task in THREE
    }
    return randomize(MultiTaskModel(conv_tower(), sharing or AdaShared(), heads), rng)


@pytest.mark.parametrize(
    "policy",
    [
        ["111", "111", "111"],
        ["000", "000", "000"],
        ["110", "100", "010"],  # the projection's block: two execute it, one skips it
        ["101", "001", "101"],  # nobody executes it
        ["011", "010", "000"],  # all alike up to it
    ],
)
def test_it_computes_what_the_whole_model_does(rng, tmp_path, policy):
    whole = learned(rng)
    decide(whole, [[int(value) for value in row] for row in policy])
    pruned = prune(whole)
    x = rng.normal(size=(3, 7, 7, 2)).astype("float32")
    expected = outputs(whole, x)
    assert_close(outputs(pruned, x), expected)
    assert_close(outputs(prune(whole, dict(zip(THREE, policy, strict=True))), x), expected)
    names = {layer.name for layer in pruned.layers}
    for number, block in enumerate(["one", "two", "three"]):
        assert (f"shared_{block}" in names) == any(row[number] == "1" for row in policy)
    assert cost(pruned).macs < cost(whole).macs
    pruned.save(tmp_path / "pruned.keras")
    assert_close(outputs(keras.models.load_model(tmp_path / "pruned.keras"), x), expected, 1e-6)


def test_the_weights_are_copies(rng):
    whole = learned(rng)
    pruned = prune(whole)
    before = outputs(whole, np.ones((1, 7, 7, 2), "float32"))
    randomize(pruned, rng)
    assert_close(outputs(whole, np.ones((1, 7, 7, 2), "float32")), before, 1e-7)


def test_what_cannot_be_pruned_is_named(rng):
    with pytest.raises(ValueError, match="must have one SkipPolicy.*AdaShared"):
        prune(learned(rng, Branched.hard_sharing()))
    with pytest.raises(ValueError, match="one value for each of the 3 blocks.*2 for 'a'"):
        prune(learned(rng), ["11", "111", "111"])
    with pytest.raises(TypeError, match="`model` must be a MultiTaskModel.*'x.keras'"):
        prune("x.keras")
