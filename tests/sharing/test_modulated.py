"""One tower under gates: against hard sharing, against NumPy, and what is computed how often."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy_weights import draw_by_numpy

from keras_mtl import MultiTaskModel
from keras_mtl.search import cost
from keras_mtl.sharing import Branched, Modulated
from keras_mtl.sharing.modulated import gate_name
from keras_mtl.towers import Tower

WIDTHS = {"one": 4, "two": 6, "three": 3}


@pytest.fixture(autouse=True)
def _weights_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


def small_tower():
    image = keras.Input((5,))
    x = image
    for name, width in WIDTHS.items():
        x = layers.Dense(width, activation="tanh", name=name)(x)
    return Tower(keras.Model(image, x), ["one", "two"])


def dense_of_one_width():
    image = keras.Input((5,))
    x = layers.Dense(4, name="one")(image)
    return Tower(keras.Model(image, layers.Dense(4, name="two")(x)), ["one"])


def model_of(sharing, tasks="abc", tower=None):
    return MultiTaskModel(tower or small_tower(), sharing, {t: layers.Dense(2) for t in tasks})


def gates(model):
    return {
        stage: model.get_layer(gate_name(stage))
        for stage in model.stages
        if any(layer.name == gate_name(stage) for layer in model.layers)
    }


def randomize(model, rng):
    model.set_weights([rng.normal(0.3, 0.6, weight.shape) for weight in model.get_weights()])
    return model


def outputs(model, x, **kwargs):
    return {task: ops.convert_to_numpy(output) for task, output in model(x, **kwargs).items()}


def dense(x, layer, activation=np.tanh):
    kernel, bias = layer.get_weights()
    return activation(x @ kernel + bias)


def by_hand(model, x):
    """The outputs, and every gate's weight by NumPy alone."""
    found = {}
    for number, task in enumerate(model.tasks):
        features = x
        for stage in model.stages:
            features = dense(features, model.stage(task, stage))
            if stage in gates(model):
                row = gates(model)[stage].get_weights()[0][number]
                features = features @ row if row.ndim == 2 else features * np.maximum(row, 0)
        found[task] = dense(features, model.head(task), lambda y: y)
    return found


def kinds(model):
    return [type(operation).__name__ for operation in model.operations]


@pytest.mark.parametrize("after", [None, [], ["one"], ["two", "one"], ["three"]])
def test_gates_of_one_are_hard_sharing(rng, after):
    hard = randomize(model_of(Branched.hard_sharing()), rng)
    model = model_of(Modulated(after)).initialize_from(hard)
    gated = set(WIDTHS if after is None else after)
    assert set(gates(model)) == gated
    added = sum(3 * WIDTHS[stage] for stage in gated)
    assert model.count_params() - hard.count_params() == added
    x = rng.normal(size=(4, 5)).astype("float32")
    ours, theirs = outputs(model, x), outputs(hard, x)
    assert list(ours) == list(theirs)
    for task in "abc":
        np.testing.assert_allclose(ours[task], theirs[task], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tasks", ["abc", "a"])
@pytest.mark.parametrize(("after", "per_channel"), [(None, True), (["one"], True), (None, False)])
def test_every_task_goes_by_its_own_gates(rng, after, per_channel, tasks):
    model = randomize(model_of(Modulated(after, per_channel), tasks), rng)
    x = rng.normal(size=(4, 5)).astype("float32")
    found, expected = outputs(model, x), by_hand(model, x)
    for task in tasks:
        np.testing.assert_allclose(found[task], expected[task], rtol=1e-4, atol=1e-5)


def test_what_stands_before_the_first_gate_is_computed_once():
    dense_macs = {"one": 5 * 4, "two": 4 * 6, "three": 6 * 3}
    heads = 3 * 3 * 2
    for after, stages, gated in (
        ([], (1, 1, 1), 0),
        (["three"], (1, 1, 1), 3),
        (["two"], (1, 1, 3), 6),
        (["one", "three"], (1, 3, 3), 4 + 3),
    ):
        macs = sum(n * count for n, count in zip(stages, dense_macs.values(), strict=True))
        assert cost(model_of(Modulated(after))).macs == macs + 3 * gated + heads
    projections = cost(model_of(Modulated(["two"], per_channel=False))).macs
    assert projections == 20 + 24 + 3 * 18 + 3 * 6**2 + heads


def test_one_batch_is_joined_behind_a_gate_and_parted_before_the_next():
    for after, joined, parted in (([], 0, 0), (["three"], 0, 0), (["one"], 1, 1), (None, 2, 2)):
        found = kinds(model_of(Modulated(after)))
        assert (found.count("Concatenate"), found.count("SplitTasks")) == (joined, parted)
    assert not {"Concatenate", "SplitTasks"} & set(kinds(model_of(Modulated(), "a")))


def test_normalization_sees_all_tasks_together(rng):
    image = keras.Input((5,))
    x = layers.Dense(4, name="one")(image)
    x = layers.BatchNormalization(momentum=0.0, center=False, scale=False, name="norm")(x)
    model = model_of(Modulated(["one"]), "ab", Tower(keras.Model(image, x), ["one"]))
    gates(model)["one"].set_weights([rng.uniform(0.5, 2, (2, 4))])
    data = rng.normal(size=(6, 5)).astype("float32")
    features = dense(data, model.stage("a", "one"), lambda y: y)
    both = np.concatenate([features * row for row in gates(model)["one"].get_weights()[0]])
    found = outputs(model, data, training=True)
    mean, variance = model.stage("a", "norm").get_weights()
    np.testing.assert_allclose(mean, both.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(variance, both.var(0), rtol=1e-4, atol=1e-5)
    normalized = (both - both.mean(0)) / np.sqrt(both.var(0) + 1e-3)
    for task, each in zip("ab", np.split(normalized, 2), strict=True):
        expected = dense(each, model.head(task), lambda y: y)
        np.testing.assert_allclose(found[task], expected, rtol=1e-4, atol=1e-4)


def test_further_inputs_go_to_every_task(rng):
    image, scale = keras.Input((5,), name="image"), keras.Input((1,), name="scale")
    x = layers.Multiply(name="one")([layers.Dense(4, name="dense")(image), scale])
    x = layers.Multiply(name="two")([x, scale])
    tower = Tower(keras.Model([image, scale], x), ["one"])
    model = randomize(model_of(Modulated(["one"]), "ab", tower), rng)
    data = {
        name: rng.normal(size=(4, n)).astype("float32") for name, n in (("image", 5), ("scale", 1))
    }
    features = dense(data["image"], model.stage("a", "one"), lambda y: y)
    for number, (task, found) in enumerate(outputs(model, data).items()):
        row = np.maximum(gates(model)["one"].get_weights()[0][number], 0)
        expected = dense(features * data["scale"] ** 2 * row, model.head(task), lambda y: y)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_tasks_train_and_come_back(rng, tmp_path):
    sharing = Modulated(["two", "three"], regularizer=keras.regularizers.L1(1e-3))
    model = model_of(sharing)
    model.compile(keras.optimizers.SGD(0.05), loss="mse")
    x = rng.normal(size=(8, 5)).astype("float32")
    y = {task: rng.normal(size=(8, 2)).astype("float32") for task in "abc"}
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    for gate in gates(model).values():
        rows = gate.get_weights()[0]
        assert (rows != 1).any(axis=1).all()
        assert len(np.unique(rows, axis=0)) == 3
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.tasks == ["a", "b", "c"]
    assert gates(loaded)["two"].regularizer.l1 == 1e-3
    np.testing.assert_allclose(*[sum(map(float, m.losses)) for m in (model, loaded)], rtol=1e-6)
    ours, theirs = outputs(model, x), outputs(loaded, x)
    for task in "abc":
        np.testing.assert_array_equal(ours[task], theirs[task])
    twin = model_of(sharing).initialize_from(tmp_path / "model.keras")
    for task, output in outputs(twin, x).items():
        np.testing.assert_array_equal(output, ours[task])


def test_gates_have_the_precision_of_the_features(rng):
    image = keras.Input((5,))
    x = layers.Dense(4, dtype="mixed_float16", name="one")(image)
    model = model_of(Modulated(), "ab", Tower(keras.Model(image, x), []))
    assert gates(model)["one"].compute_dtype == "float16"
    assert gates(model)["one"].gate.dtype == "float32"
    for output in outputs(model, rng.normal(size=(2, 5))).values():
        assert np.isfinite(output).all()


def test_stages_can_be_frozen_and_asked_for():
    model = model_of(Modulated()).freeze("one")
    assert model.stage("a", "one") is model.stage("c", "one")
    assert not model.stage("b", "one").trainable_weights
    assert gates(model)["one"].trainable_weights


def test_configuration_comes_back():
    sharing = Modulated(["one"], True, False, keras.initializers.Constant(0.5), "l2")
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(sharing))
    assert twin.get_config() == sharing.get_config()
    assert twin.after == ["one"] and twin.per_channel and twin.relu is False
    gate = gates(model_of(twin))["one"]
    np.testing.assert_array_equal(gate.get_weights()[0], 0.5)
    assert isinstance(gate.regularizer, keras.regularizers.L2)
    plain = Modulated.from_config(Modulated().get_config())
    assert plain.after is None and plain.regularizer is None and plain.relu


def test_every_gate_draws_its_own_start():
    tower = dense_of_one_width()
    model = model_of(Modulated(initializer=keras.initializers.RandomUniform()), "ab", tower)
    one, two = (gate.get_weights()[0] for gate in gates(model).values())
    assert (one != two).all()


def test_gates_are_the_units():
    assert list(model_of(Modulated(["one", "three"])).units) == ["one", "three"]
    model = model_of(Modulated())
    assert model.units == gates(model) and list(model.units) == list(WIDTHS)


def test_unknown_stage_lists_the_known():
    with pytest.raises(ValueError, match=r"`after` must .* \['one', 'two', 'three'.*'ten'"):
        model_of(Modulated(after=["one", "ten"]))


def test_after_is_one_name_or_a_list():
    assert Modulated(after="one").after == ["one"]
    with pytest.raises(ValueError, match="`after` must be a name or a list of names.*after=5"):
        Modulated(after=5)


def test_options_that_contradict_are_refused_at_once():
    with pytest.raises(ValueError, match="`relu` must not be True"):
        Modulated(per_channel=False, relu=True)
    with pytest.raises(ValueError, match="`initializer` must be"):
        Modulated(per_channel=False, initializer="zeros")
