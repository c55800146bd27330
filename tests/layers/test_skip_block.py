"""Mixing a block's output with its shortcut, against NumPy, task by task."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.layers import SkipBlock

POLICY = np.array([[0.25, 1.0], [0.5, 0.0], [0.0, 0.75]], "float32")


def value(tensor):
    return ops.convert_to_numpy(tensor)


def expected_mix(output, shortcut, weights, split):
    """The tasks' parts one after the other."""
    count = len(weights)
    outputs, shortcuts = (np.split(x, count) if split else [x] * count for x in (output, shortcut))
    tasks = zip(weights, outputs, shortcuts, strict=True)
    return np.concatenate([p * x + (1 - p) * y for p, x, y in tasks])


@pytest.mark.parametrize("shape", [(), (5,), (3, 4, 2)])
@pytest.mark.parametrize("tasks", [[0], [1], [0, 1, 2], [2, 0]])
@pytest.mark.parametrize("split", [False, True])
def test_each_task_mixes_by_its_own_weight(rng, split, tasks, shape):
    batch = 2 * len(tasks) if split else 2
    output, shortcut = rng.normal(size=(2, batch, *shape)).astype("float32")
    for block in (0, 1):
        layer = SkipBlock(block, tasks, split)
        found = value(layer(output, shortcut, POLICY))
        expected = expected_mix(output, shortcut, POLICY[tasks, block], split)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        shape_found = layer.compute_output_shape(output.shape, shortcut.shape, POLICY.shape)
        assert tuple(shape_found) == found.shape == (2 * len(tasks), *shape)
        assert layer.compute_output_shape((None, *shape)) == (None, *shape)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_executed_and_skipped_blocks_are_exact(rng, dtype):
    """Also where what is left out is much larger than what is not."""
    layer = SkipBlock(1, [0, 1], split=False, dtype=dtype)
    inputs = rng.normal(size=(2, 4, 50))
    for scale in ([1, 100], [100, 1]):
        scaled = inputs * np.reshape(scale, (2, 1, 1))
        output, shortcut = (ops.cast(x, layer.compute_dtype) for x in scaled)
        found = layer(output, shortcut, POLICY)
        assert keras.backend.standardize_dtype(found.dtype) == layer.compute_dtype
        expected = np.concatenate([value(ops.cast(x, "float32")) for x in (output, shortcut)])
        np.testing.assert_array_equal(value(ops.cast(found, "float32")), expected)


def test_gradients_reach_output_shortcut_and_policy(rng):
    """One SGD step of rate 1; output, shortcut and policy are weights times ones."""
    one = keras.Input((1,))
    image = keras.layers.Dense(3, use_bias=False, name="output")(one)
    shortcut = keras.layers.Dense(3, use_bias=False, name="shortcut")(one)
    policy = keras.layers.Dense(2, use_bias=False, name="policy")(one)
    model = keras.Model(one, SkipBlock(1, [1, 0], split=True)(image, shortcut, policy))
    start = [rng.normal(size=w.shape).astype("float32") for w in model.get_weights()]
    model.set_weights(start)
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: ops.sum(p * y))
    targets = rng.normal(size=(2, 3)).astype("float32")
    model.fit(np.ones((2, 1)), targets, shuffle=False, verbose=0)
    kernels = {w.path.split("/")[0]: old[0] for w, old in zip(model.weights, start, strict=True)}
    moved = {
        w.path.split("/")[0]: (old - value(w))[0]
        for w, old in zip(model.weights, start, strict=True)
    }
    weight = kernels["policy"][1]
    np.testing.assert_allclose(moved["output"], weight * targets.sum(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        moved["shortcut"], (1 - weight) * targets.sum(0), rtol=1e-4, atol=1e-5
    )
    difference = (targets * (kernels["output"] - kernels["shortcut"])).sum()
    np.testing.assert_allclose(moved["policy"], [0, difference], rtol=1e-4, atol=1e-5)


def test_sizes_may_be_unknown(rng):
    features, policy = keras.Input((None, None, 3)), keras.Input((2,))
    doubled = keras.layers.Rescaling(2.0)(features)
    mixed = SkipBlock(0, [0, 2], split=False)(doubled, features, policy)
    model = keras.Model([features, policy], keras.layers.Rescaling(1.0)(mixed))
    assert model.output_shape == (None, None, None, 3)
    x = rng.normal(size=(3, 4, 5, 3)).astype("float32")
    expected = expected_mix(2 * x, x, POLICY[[0, 2], 0], split=False)
    np.testing.assert_allclose(value(model([x, POLICY])), expected, rtol=1e-5, atol=1e-6)
