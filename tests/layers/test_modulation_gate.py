"""Gates of channels: against NumPy in all forms of the call, and who is trained by whom."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.layers import ModulationGate
from keras_mtl.search import cost

NUMBERS = np.array([2, 0, 0, 1, 2])


def values(outputs):
    """The outputs of a call: an array, or a list of them stacked."""
    if isinstance(outputs, (list, tuple)):
        return np.stack([ops.convert_to_numpy(x) for x in outputs])
    return ops.convert_to_numpy(outputs)


def random_gates(rng, layer, shape):
    """Builds a layer for a shape if need be, draws its gates, of both signs, and returns them."""
    if not layer.built:
        layer.build(shape)
    gates = rng.normal(size=layer.gate.shape).astype("float32")
    layer.gate.assign(gates)
    return gates


def gated(x, row, axis, per_channel=True):
    """One task's features, of one example or of many: the channels are moved to the end."""
    moved = np.moveaxis(x, axis, -1)
    return np.moveaxis(moved * row if per_channel else moved @ row, -1, axis)


@pytest.mark.parametrize("per_channel", [True, False])
def test_gates_are_the_identity_at_the_start(rng, per_channel):
    x = rng.normal(size=(3, 5, 4, 6)).astype("float32")
    layer = ModulationGate(3, per_channel)
    np.testing.assert_array_equal(values(layer(x)), np.stack([x] * 3))
    np.testing.assert_array_equal(values(layer([x, 2 * x, -x])), np.stack([x, 2 * x, -x]))
    np.testing.assert_array_equal(values(layer(x, [0, 2, 1])), x)


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((6,), -1), *(((4, 6), a) for a in (1, 2, -1)), *(((3, 4, 6), a) for a in (1, 2, 3, -3, -2))],
)
def test_every_form_against_numpy(rng, shape, axis, per_channel):
    x = rng.normal(size=(len(NUMBERS), *shape)).astype("float32")
    layer = ModulationGate(3, per_channel, axis=axis)
    rows = random_gates(rng, layer, x.shape)
    rows = np.maximum(rows, 0) if per_channel else rows
    np.testing.assert_array_equal(values(layer.rows()), rows)
    channels = x.shape[axis]
    assert rows.shape == ((3, channels) if per_channel else (3, channels, channels))
    expected = np.stack([gated(x, row, axis, per_channel) for row in rows])
    np.testing.assert_allclose(values(layer(x)), expected, rtol=1e-5, atol=1e-5)
    features = [x, x[::-1], 2 * x]
    of_each = [gated(y, row, axis, per_channel) for y, row in zip(features, rows, strict=True)]
    np.testing.assert_allclose(values(layer(features)), np.stack(of_each), rtol=1e-5, atol=1e-5)
    # Each example is gated by its own task's row, whatever the order of the tasks.
    mine = expected[NUMBERS, np.arange(len(NUMBERS))]
    for numbers in (NUMBERS, NUMBERS[:, None], NUMBERS.tolist(), ops.convert_to_tensor(NUMBERS)):
        np.testing.assert_allclose(values(layer(x, numbers)), mine, rtol=1e-5, atol=1e-5)


def test_examples_of_all_tasks_in_any_order_agree_with_the_lists(rng):
    features = rng.normal(size=(4, 2, 5)).astype("float32")
    layer = ModulationGate(4)
    random_gates(rng, layer, (None, 5))
    order = rng.permutation(8)
    numbers = np.repeat(np.arange(4), 2)[order]
    mixed = values(layer(features.reshape(8, 5)[order], numbers))
    np.testing.assert_array_equal(mixed, values(layer(list(features))).reshape(8, 5)[order])


def test_lists_and_tuples_come_back(rng):
    x = rng.normal(size=(2, 5)).astype("float32")
    layer = ModulationGate(2)
    assert type(layer([x, x])) is list
    assert type(layer((x, x))) is tuple
    assert type(layer(x)) is list


def test_negative_gates_are_shut_unless_without_relu():
    x = np.arange(1, 7, dtype="float32").reshape(2, 3)
    for relu, expected in ((None, 0 * x), (True, 0 * x), (False, -2 * x)):
        layer = ModulationGate(1, relu=relu, initializer=keras.initializers.Constant(-2.0))
        np.testing.assert_array_equal(values(layer(x))[0], expected)
        np.testing.assert_array_equal(values(layer(x, [0, 0])), expected)
    assert not ModulationGate(2, per_channel=False).relu


@pytest.mark.parametrize("per_channel", [True, False])
def test_examples_train_the_rows_of_their_tasks_alone(rng, per_channel):
    """One SGD step of rate 1 moves a weight by minus its gradient."""
    x, task = keras.Input((4,)), keras.Input((), dtype="int32")
    layer = ModulationGate(4, per_channel)
    model = keras.Model([x, task], layer(x, task))
    # The weights come in as targets: what a loss closes over need not be on the right device.
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: ops.sum(p * y))
    data, factors = rng.normal(size=(2, 5, 4)).astype("float32")
    before = values(layer.gate).copy()
    numbers = np.array([3, 1, 1, 3, 1], "int32")
    model.fit([data, numbers], factors, batch_size=5, verbose=0)
    expected = np.zeros_like(before)
    for number, one, factor in zip(numbers, data, factors, strict=True):
        expected[number] += one * factor if per_channel else np.outer(one, factor)
    moved = before - values(layer.gate)
    np.testing.assert_allclose(moved, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(moved[[0, 2]], 0)


def test_shut_gates_keep_gradients_out_of_the_features(rng):
    image = keras.Input((3,))
    shared = keras.layers.Dense(2, use_bias=False)(image)
    layer = ModulationGate(2)
    model = keras.Model(image, keras.layers.Concatenate()(layer(shared)))
    layer.gate.assign([[1.0, -1.0], [2.0, -1.0]])
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: ops.sum(p * y))
    before = values(model.layers[1].kernel).copy()
    x, factors = rng.normal(size=(2, 3)), rng.normal(size=(2, 4))
    model.fit(x, factors, verbose=0)
    expected = x.T @ np.stack([factors[:, 0] + 2 * factors[:, 2], [0, 0]], axis=1)
    moved = before - values(model.layers[1].kernel)
    np.testing.assert_allclose(moved, expected, rtol=1e-4, atol=1e-5)


def test_output_shapes_of_every_form():
    layer = ModulationGate(3, axis=2)
    shape, twin = (None, 5, 4), (None, 5, 7)
    assert layer.compute_output_shape(shape) == [shape] * 3
    assert layer.compute_output_shape(list(shape)) == [shape] * 3
    assert layer.compute_output_shape(shape, (None,)) == shape
    assert layer.compute_output_shape(shape, (None, 1)) == shape
    assert layer.compute_output_shape([twin] * 3) == [twin] * 3
    assert layer.compute_output_shape((twin,) * 3) == (twin,) * 3
    assert ModulationGate(1).compute_output_shape([shape]) == [shape]


def test_one_multiplication_an_output_and_channel():
    """Of a single tensor one output counts, whether the tasks are given or not."""
    assert ModulationGate(3).macs((1, 5, 5, 4)) == 100
    assert ModulationGate(3).macs([(1, 5, 5, 4)] * 3) == 300
    assert ModulationGate(3, per_channel=False).macs((1, 5, 5, 4)) == 400
    assert ModulationGate(3, per_channel=False, axis=1).macs([(1, 4, 5)] * 3) == 3 * 4 * 20
    x, task = keras.Input((5, 4)), keras.Input((), dtype="int32")
    model = keras.Model([x, task], ModulationGate(3)(x, task))
    assert cost(model) == (12, 20)
    assert cost(keras.Model(x, ModulationGate(3)([x] * 3))) == (12, 60)


def test_counts_of_the_paper():
    """T = 7: gates behind 128 and 128 channels and on the embedding of 256."""
    counts = {}
    for tasks in (7, 20, 40):
        layers = [ModulationGate(tasks) for _ in range(3)]
        for layer, channels in zip(layers, (128, 128, 256), strict=True):
            layer.build((None, channels))
        counts[tasks] = sum(layer.count_params() for layer in layers)
    assert counts == {7: 3_584, 20: 10_240, 40: 20_480}


def test_gates_are_exempt_from_decay_and_may_be_regularized():
    layer = ModulationGate(2, regularizer=keras.regularizers.L1(0.5))
    layer.build((None, 3))
    assert layer.gate.weight_decay_exempt
    layer.gate.assign([[1.0, -2.0, 0.0], [0.5, 0.5, 1.0]])
    # What ReLU has shut is not penalised, or the penalty would draw it back to 0.
    np.testing.assert_allclose([values(loss) for loss in layer.losses], [1.5])
    twin = ModulationGate.from_config(layer.get_config())
    assert twin.regularizer.l1 == 0.5


@pytest.mark.parametrize("count", [0, 2.5, "2", True])
def test_refuses_what_is_no_number_of_tasks(count):
    with pytest.raises(ValueError, match="`num_tasks` must be an integer >= 1"):
        ModulationGate(count)


def test_refuses_options_that_a_projection_cannot_have():
    with pytest.raises(ValueError, match="`relu` must not be True"):
        ModulationGate(2, per_channel=False, relu=True)
    with pytest.raises(ValueError, match="`initializer` must be .ones."):
        ModulationGate(2, per_channel=False, initializer="zeros")


@pytest.mark.parametrize("axis", [0, -2, 2, -3])
def test_refuses_the_batch_axis_and_axes_that_are_not_there(axis):
    with pytest.raises(ValueError, match=rf"`axis` must be .*axis={axis} for shape \(2, 3\)"):
        ModulationGate(2, axis=axis)(np.ones((2, 3)))


def test_refuses_features_that_do_not_fit():
    with pytest.raises(ValueError, match="known number of channels on axis=-1"):
        ModulationGate(2)(keras.Input((4, None)))
    with pytest.raises(ValueError, match=r"one shape.*\(1, 4\), \(1, 5\)"):
        ModulationGate(2)([np.ones((1, 4)), np.ones((1, 5))])
    layer = ModulationGate(3)
    layer(np.ones((2, 4)))
    # Also after it is built.
    for each in (np.ones((2, 4)), keras.Input((4,))):
        with pytest.raises(ValueError, match="each of the 3 tasks. Received: 2 tensors"):
            layer([each, each])
    with pytest.raises(ValueError, match="Received: 3 tensors together with `task`"):
        layer([np.ones((2, 4))] * 3, [0, 1])


def test_refuses_numbers_that_do_not_fit():
    layer, x = ModulationGate(3), np.ones((2, 4), "float32")
    for numbers in ([0, 3], np.array([-1, 0])):
        with pytest.raises(ValueError, match="`task` must hold numbers from 0 to 2"):
            layer(x, numbers)
    for numbers in ([0.0, 1.0], np.zeros(2), [True, False], keras.Input(())):
        with pytest.raises(ValueError, match="`task` must hold integers"):
            layer(x, numbers)
    for numbers in ([1], 1, [[0, 1]], [[0, 1], [1, 2]], np.zeros((2, 1, 1), "int32")):
        with pytest.raises(ValueError, match="`task` must have the shape"):
            layer(x, numbers)
