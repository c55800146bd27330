"""The network of the modulation module: its size, its gates, files, and that it learns."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl import fold
from keras_mtl.applications import ModulatedEmbedding
from keras_mtl.towers import ResidualEmbedding

TINY = dict(input_shape=(48, 48, 3), width=1 / 16, size=8)
GATES = ("gate_block3", "gate_block4", "gate_embedding")


@pytest.fixture
def shapes_only():
    """Builds networks without values in their weights, which counts do not need."""

    def network(*args, **options):
        with keras.StatelessScope(initialize_variables=False):
            return ModulatedEmbedding(*args, **options)

    yield network
    # Keras would make up for the values in the next scope that it opens.
    keras.utils.clear_session()


@pytest.mark.one_backend
@pytest.mark.parametrize(("tasks", "gates"), [(7, 3_584), (20, 10_240), (40, 20_480)])
def test_published_parameters(shapes_only, tasks, gates):
    model = shapes_only(tasks)
    of_gates = {name: model.get_layer(name).gate for name in GATES}
    assert sum(math.prod(gate.shape) for gate in of_gates.values()) == gates
    assert [gate.shape for gate in of_gates.values()] == [(tasks, 128), (tasks, 128), (tasks, 256)]
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert trainable == 2_953_664 + gates
    assert [tuple(x.shape) for x in model.inputs] == [(None, 150, 150, 3), (None,)]
    assert model.output_shape == (None, 256) and model.name == "modulated_embedding"


def values(model, *inputs):
    return ops.convert_to_numpy(model(list(inputs) if len(inputs) > 1 else inputs[0]))


def test_starts_as_the_network_and_takes_files(rng, tmp_path):
    x = rng.uniform(0, 255, (3, 48, 48, 3)).astype("float32")
    tasks = np.array([0, 2, 2])
    model = ModulatedEmbedding(3, seed=1, **TINY)
    plain = values(ResidualEmbedding(seed=1, **TINY), x)
    np.testing.assert_array_equal(values(model, x, tasks), plain)
    for name in GATES:
        gate = model.get_layer(name).gate
        gate.assign(rng.uniform(0, 2, gate.shape))
    found = values(model, x, tasks)
    assert np.abs(found - plain).max() > 1e-2
    np.testing.assert_allclose((found**2).sum(axis=1), 1, rtol=1e-5)
    model.save_weights(tmp_path / "it.weights.h5")
    twin = ModulatedEmbedding(3, weights=tmp_path / "it.weights.h5", name="twin", **TINY)
    np.testing.assert_array_equal(values(twin, x, tasks), found)
    assert twin.name == "twin"
    np.testing.assert_allclose(values(fold(model, 2), x)[1:], found[1:], atol=1e-5)


def test_masks_of_the_embedding_alone(rng):
    """Conditional similarity networks; and one embedding for all, with no gates."""
    model = ModulatedEmbedding(2, after=["embedding"], regularizer="l1", relu=False, **TINY)
    assert model.count_params() - ResidualEmbedding(**TINY).count_params() == 2 * 8
    gate = model.get_layer("gate_embedding")
    assert not gate.relu and isinstance(gate.regularizer, keras.regularizers.L1)
    x = rng.uniform(0, 255, (2, 48, 48, 3)).astype("float32")
    before = values(model, x, np.array([0, 1]))
    mask = np.eye(2, 8)
    gate.gate.assign(mask)
    found = values(model, x, np.array([0, 1]))
    # Behind a mask of one channel stands that channel alone, of length one (or zero).
    np.testing.assert_allclose(found, mask * np.sign(before), atol=1e-5)
    none = ModulatedEmbedding(2, after=(), **TINY)
    assert none.count_params() == ResidualEmbedding(**TINY).count_params()
    found, swapped = (values(none, x, np.array(tasks)) for tasks in ([0, 1], [1, 0]))
    np.testing.assert_array_equal(found, swapped)


@pytest.mark.whole_network
def test_learns_different_likeness(rng):
    """Of equal images each task is told another thing: only the gates can tell them apart."""
    model = ModulatedEmbedding(2, seed=0, after=["embedding"], **TINY)
    for layer in model.layers:
        layer.trainable = layer.name.startswith("gate_")
    x = np.repeat(rng.uniform(0, 255, (1, 48, 48, 3)), 4, axis=0).astype("float32")
    tasks = np.array([0, 1, 0, 1])
    start = values(model, x, tasks)
    on = np.argsort(start[0])[-2:]
    assert start[0, on].min() > 0
    targets = np.eye(8, dtype="float32")[on][tasks]
    model.compile(keras.optimizers.Adam(0.1), loss="mse")
    loss = model.fit([x, tasks], targets, epochs=30, verbose=0).history["loss"]
    assert loss[-1] < 0.3 * loss[0]
    gates = ops.convert_to_numpy(model.get_layer("gate_embedding").gate)
    assert gates[0, on[0]] > gates[0, on[1]] and gates[1, on[1]] > gates[1, on[0]]


def test_options_are_checked():
    with pytest.raises(ValueError, match="`after` must name layers.*'block5'"):
        ModulatedEmbedding(2, after=["block5"], **TINY)
    with pytest.raises(ValueError, match="at least 48"):
        ModulatedEmbedding(2, (47, 48, 3))
    with pytest.raises(ValueError, match="`num_tasks`"):
        ModulatedEmbedding(0, **TINY)
