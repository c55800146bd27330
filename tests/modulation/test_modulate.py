"""Gates in any model: the same answers at the start, then those of every example's own task."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy_weights import draw_by_numpy

from keras_mtl import modulate
from keras_mtl.layers import ModulationGate

MAP = (6, 5, 3)
NUMBERS = np.array([2, 0, 1], "int32")


@pytest.fixture(autouse=True)
def weights_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


def small_net():
    image = keras.Input(MAP, name="image")
    x = layers.Conv2D(4, 3, padding="same", name="conv")(image)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    y = layers.Conv2D(4, 1, name="branch")(x)
    x = layers.Add(name="sum")([x, y])
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return keras.Model(image, layers.Dense(2, name="dense")(x), name="small")


def mobile_net():
    return keras.applications.MobileNetV2((32, 32, 3), weights=None, alpha=0.35, classes=4)


def randomize(model, rng):
    model.set_weights([rng.uniform(0.2, 1.5, w.shape) - (w.ndim > 1) for w in model.get_weights()])
    return model


def images(rng):
    return rng.normal(size=(3, *MAP)).astype("float32")


def value(outputs):
    assert not isinstance(outputs, list)
    return ops.convert_to_numpy(outputs)


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize(
    "after", [[], "relu", ["conv", "sum"], ["dense"], ["norm", "branch", "pool"]]
)
def test_the_same_outputs_at_the_start(rng, after, per_channel):
    net = randomize(small_net(), rng)
    x = images(rng)
    before, weights = value(net(x)), net.get_weights()
    model = modulate(net, 3, after, per_channel=per_channel)
    # Projections are products of matrices, which may round.
    exact = {"rtol": 0, "atol": 0 if per_channel else 1e-5}
    np.testing.assert_allclose(value(model([x, NUMBERS])), before, **exact)
    after = [after] if isinstance(after, str) else after
    channels = [net.get_layer(name).output.shape[-1] for name in after]
    added = sum(3 * (c if per_channel else c * c) for c in channels)
    assert model.count_params() - net.count_params() == added
    assert model.name == "modulated_small"
    assert {f"gate_{name}" for name in after} == {
        layer.name for layer in model.layers if isinstance(layer, ModulationGate)
    }
    # The network itself is as it was, and its layers are not in the result.
    np.testing.assert_array_equal(value(net(x)), before)
    for ours, theirs in zip(net.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not {id(layer) for layer in net.layers} & {id(layer) for layer in model.layers}
    assert [x.name for x in model.inputs] == ["image", "task"]


def test_every_example_sees_its_own_gates(rng):
    net = randomize(small_net(), rng)
    model = modulate(net, 3, ["relu", "pool"], name="mine")
    assert model.name == "mine"
    rows = {}
    for name in ("relu", "pool"):
        rows[name] = rng.normal(size=(3, 4)).astype("float32")
        model.get_layer(f"gate_{name}").gate.assign(rows[name])
    x = images(rng)
    features = value(keras.Model(net.input, net.get_layer("relu").output)(x))
    features = features * np.maximum(rows["relu"], 0)[NUMBERS][:, None, None]
    kernel, bias = net.get_layer("branch").get_weights()
    features = (features + features @ kernel[0, 0] + bias).mean((1, 2))
    features = features * np.maximum(rows["pool"], 0)[NUMBERS]
    kernel, bias = net.get_layer("dense").get_weights()
    expected = features @ kernel + bias
    np.testing.assert_allclose(value(model([x, NUMBERS])), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(value(model([x, NUMBERS[:, None]])), expected, rtol=1e-4, atol=1e-5)


def test_options_reach_the_gates():
    net = small_net()
    model = modulate(
        *(net, 3, ["relu"]),
        **dict(relu=False, axis=1, initializer="zeros", regularizer=keras.regularizers.L1(0.5)),
    )
    gate = model.get_layer("gate_relu")
    assert gate.gate.shape == (3, 6) and gate.axis == 1 and not gate.relu
    assert not value(gate.gate).any() and float(gate.regularizer.l1) == 0.5
    with pytest.raises(ValueError, match="`relu`"):
        modulate(net, 3, ["relu"], per_channel=False, relu=True)


def test_a_layer_that_is_called_twice_has_one_copy_and_one_gate(rng):
    pair = [keras.Input((4,), name=name) for name in ("left", "right")]
    shared = layers.Dense(4, name="shared")
    net = keras.Model(pair, layers.Subtract()([shared(x) for x in pair]))
    model = modulate(net, 2, ["shared"])
    assert model.count_params() == net.count_params() + 2 * 4
    model.get_layer("gate_shared").gate.assign(np.array([[1.0] * 4, [3.0] * 4]))
    x, y = rng.normal(size=(2, 3, 4)).astype("float32")
    plain = value(net([x, y]))
    found = value(model([x, y, np.array([0, 1, 1])]))
    np.testing.assert_allclose(found, plain * np.array([[1], [3], [3]]), rtol=1e-5, atol=1e-5)


def test_models_within_and_sequential_ones(rng):
    inner = keras.Sequential([layers.Dense(4, "relu"), layers.BatchNormalization()], name="inner")
    net = keras.Sequential([keras.Input((3,)), inner, layers.Dense(2, name="last")], name="outer")
    randomize(net, rng)
    x = rng.normal(size=(3, 3)).astype("float32")
    model = modulate(net, 3, "inner")
    np.testing.assert_array_equal(value(model([x, NUMBERS])), value(net(x)))
    assert model.get_layer("gate_inner").gate.shape == (3, 4)
    model.get_layer("gate_inner").gate.assign(np.zeros((3, 4)))
    bias = net.get_layer("last").get_weights()[1]
    np.testing.assert_allclose(value(model([x, NUMBERS])), np.tile(bias, (3, 1)), atol=1e-6)


def test_a_sequential_one_is_called_in_other_models(rng):
    net = keras.Sequential([keras.Input((3,)), layers.Dense(4, name="dense")])
    image, task = keras.Input((3,)), keras.Input((), dtype="int32")
    features = modulate(net, 3, "dense")([image, task])
    assert tuple(features.shape) == (None, 4)  # a tensor, not a list of one


def test_inputs_and_outputs_keep_their_form(rng):
    first, second = keras.Input((4,), name="z"), keras.Input((4,), name="a")
    x = layers.Multiply(name="product")([first, layers.Dense(4, "tanh")(second)])
    outputs = {"wide": layers.Dense(3)(x), "narrow": x}
    arrays = dict(zip("za", rng.normal(size=(2, 3, 4)).astype("float32"), strict=True))
    for inputs, given in (
        ({"z": first, "a": second}, arrays),
        ([first, second], [arrays["z"], arrays["a"]]),
        ([second, first], [arrays["a"], arrays["z"]]),
    ):
        net = keras.Model(inputs, outputs)
        model = modulate(net, 3, ["product"])
        if isinstance(given, dict):
            found = model({**given, "task": NUMBERS})
        else:
            found = model([*given, NUMBERS])
        assert set(found) == {"wide", "narrow"}
        for name, theirs in net(given).items():
            np.testing.assert_array_equal(value(found[name]), value(theirs))


def test_operations_that_are_no_layers(rng, tmp_path):
    image = keras.Input((4,), name="image")
    x = layers.Dense(4, name="first")(image) * 2
    net = keras.Model(image, ops.concatenate([ops.tanh(x), 1 - x], axis=-1))
    model = modulate(net, 3, ["first"])
    x = rng.normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(value(model([x, NUMBERS])), value(net(x)))
    for name, each, inputs in (("net", net, x), ("model", model, [x, NUMBERS])):
        each.save(tmp_path / f"{name}.keras")
        loaded = keras.models.load_model(tmp_path / f"{name}.keras")
        np.testing.assert_array_equal(value(loaded(inputs)), value(each(inputs)))


def test_masks_go_through(rng):
    words = keras.Input((5,), dtype="int32", name="words")
    x = layers.Embedding(9, 4, mask_zero=True, name="embedding")(words)
    net = randomize(keras.Model(words, layers.GlobalAveragePooling1D()(x)), rng)
    model = modulate(net, 3, ["embedding"])
    found = np.array([[3, 0, 0, 0, 0], [1, 2, 3, 0, 0], [4, 4, 4, 4, 4]])
    np.testing.assert_array_equal(value(model([found, NUMBERS])), value(net(found)))


def test_the_network_can_be_used_as_before(rng, tmp_path):
    net = randomize(small_net(), rng)
    net.get_layer("conv").trainable = False
    model = modulate(net, 3, ["relu"])
    assert not model.get_layer("conv").trainable and model.get_layer("branch").trainable
    x = images(rng)
    until = keras.Model(net.input, net.get_layer("relu").output)
    expected = value(keras.Model(model.input, model.get_layer("relu").output)([x, NUMBERS]))
    close = {"rtol": 1e-5, "atol": 1e-5}  # Fast spellings round otherwise.
    np.testing.assert_allclose(value(until(x)), expected, **close)
    again = modulate(net, 2, ["sum"])
    np.testing.assert_allclose(value(again([x, NUMBERS % 2])), value(net(x)), **close)
    model.save(tmp_path / "model.keras")
    randomize(model, rng).save_weights(tmp_path / "model.weights.h5")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.load_weights(tmp_path / "model.weights.h5")
    found, expected = (value(each([x, NUMBERS])) for each in (loaded, model))
    np.testing.assert_allclose(found, expected, **close)


def test_gates_compute_in_the_precision_of_their_layer(rng):
    image = keras.Input((4,), name="image")
    x = layers.Dense(4, name="half", dtype="mixed_float16")(image)
    net = keras.Model(image, layers.Dense(4, name="full", dtype="float32")(x))
    model = modulate(net, 3, ["half", "full"])
    x = rng.normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(value(model([x, NUMBERS])), value(net(x)))
    assert model.get_layer("gate_half").compute_dtype == "float16"
    assert model.get_layer("gate_full").compute_dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}


@pytest.mark.one_backend
def test_mobilenet_starts_with_the_same_outputs(rng):
    net = mobile_net()
    model = modulate(net, 3, ["block_6_expand_relu", "block_12_add"])
    x = rng.uniform(-1, 1, (3, 32, 32, 3)).astype("float32")
    np.testing.assert_array_equal(value(model([x, NUMBERS])), value(net(x)))


@pytest.mark.parametrize(
    ("build", "stem", "after"),
    [
        (small_net, "conv", ["sum", "pool"]),
        pytest.param(
            mobile_net,
            "Conv1",
            ["block_12_add", "block_16_project_BN"],
            marks=pytest.mark.whole_network,
        ),
    ],
)
def test_networks_and_gates_train(rng, build, stem, after):
    net = build()
    model = modulate(net, 3, after)
    channels = sum(net.get_layer(name).output.shape[-1] for name in after)
    assert model.count_params() == net.count_params() + 3 * channels
    x = rng.uniform(-1, 1, (6, *net.input.shape[1:])).astype("float32")
    tasks = np.array([0, 2, 0, 2, 0, 2])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss=loss)
    before = value(model.get_layer(stem).kernel).copy()
    history = model.fit([x, tasks], np.arange(6) % 2, batch_size=3, epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert np.abs(value(model.get_layer(stem).kernel) - before).max() > 0
    for name in after:
        moved = np.abs(value(model.get_layer(f"gate_{name}").gate) - 1).max(axis=1)
        assert moved[0] > 0 and moved[2] > 0 and moved[1] == 0  # task 1 had no example


# What is refused


def test_unknown_layers():
    with pytest.raises(ValueError, match=r"`after`.*\['x', 'image'\].*Known layers: \['conv', 'n"):
        modulate(small_net(), 3, ["conv", "x", "image"])
    image = keras.Input((4,))
    net = keras.Model(image, keras.Sequential([layers.Dense(2, name="within")])(image))
    with pytest.raises(ValueError, match=r"`after` must name layers of the model.*\['within'\]"):
        modulate(net, 3, "within")


def test_layers_with_several_outputs():
    image = keras.Input((5, 4))
    net = keras.Model(image, layers.LSTM(3, return_state=True, name="lstm")(image))
    with pytest.raises(ValueError, match="`after` must name layers with one output.*'lstm'"):
        modulate(net, 3, ["lstm"])


def test_inputs_called_task():
    image, task = keras.Input((4,)), keras.Input((4,), name="task")
    net = keras.Model([image, task], layers.Add(name="sum")([image, task]))
    with pytest.raises(ValueError, match="`model` must have no input called 'task'"):
        modulate(net, 3, ["sum"])
    with pytest.raises(ValueError, match="`model` must have no input called 'task'"):
        modulate(modulate(small_net(), 2, ["relu"]), 3, ["conv"])


def test_numbers_of_tasks_and_other_things():
    for number in (0, 1.5, True, "2"):
        with pytest.raises(ValueError, match="`num_tasks`"):
            modulate(small_net(), number, ["relu"])
    for thing in (keras.Sequential([layers.Dense(2)]), layers.Dense(2), None):
        with pytest.raises(TypeError, match="`model` must be a functional"):
            modulate(thing, 3, [])


@pytest.mark.one_backend
def test_gates_of_one_initializer_draw_each_their_own():
    image = keras.Input((4,))
    x = layers.Dense(3, name="a")(image)
    net = keras.Model(image, layers.Dense(3, name="b")(x))
    model = modulate(net, 2, ["a", "b"], initializer=keras.initializers.RandomNormal())
    first, second = (ops.convert_to_numpy(model.get_layer(f"gate_{x}").gate) for x in "ab")
    assert np.all(first != second)
