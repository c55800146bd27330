"""Stitched towers: their units counted by hand, and independent towers as a special case."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_mtl import MultiTaskModel
from keras_mtl.applications import CrossStitchFCN
from keras_mtl.layers import CrossStitch
from keras_mtl.optimizers import SGD
from keras_mtl.sharing import Branched, CrossStitched
from keras_mtl.towers import Tower

WIDTHS = {"one": 4, "two": 6, "three": 3}


def small_tower():
    image = keras.Input((5,))
    x = image
    for name, width in WIDTHS.items():
        x = layers.Dense(width, activation="tanh", name=name)(x)
    return Tower(keras.Model(image, x), ["one", "two"])


def model_of(sharing, tasks="ab"):
    return MultiTaskModel(small_tower(), sharing, {task: layers.Dense(2) for task in tasks})


def randomize(model, rng):
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    return model


def outputs(model, x):
    return {task: ops.convert_to_numpy(output) for task, output in model(x).items()}


def alphas(model):
    return {
        layer.name: ops.convert_to_numpy(layer.alpha)
        for layer in model.layers
        if isinstance(layer, CrossStitch)
    }


@pytest.mark.parametrize("after", [None, ["one"], ["one", "three"], []])
@pytest.mark.parametrize("tasks", ["ab", "abc"])
@pytest.mark.parametrize("per_channel", [True, False])
def test_number_of_alphas(after, tasks, per_channel):
    model = model_of(CrossStitched(after, per_channel), tasks)
    stitched = WIDTHS if after is None else after
    found = alphas(model)
    assert set(found) == {f"stitch_{stage}" for stage in stitched}
    values = sum(array.size for array in found.values())
    assert values == len(tasks) ** 2 * sum(WIDTHS[s] if per_channel else 1 for s in stitched)
    plain = model_of(Branched.independent(), tasks)
    assert model.count_params() - values == plain.count_params()


def test_alphas_of_the_paper(monkeypatch):
    """Units after pool1, pool2, pool5, fc6 and fc7: 35,200 values, or 20, at the paper's width."""
    # Fast also on JAX, which compiles the drawing of every shape of weight.
    monkeypatch.setattr(
        keras.initializers.VarianceScaling,
        "__call__",
        lambda self, shape, dtype=None: ops.zeros(shape, dtype),
    )
    channels = {"pool1": 96, "pool2": 256, "pool5": 256, "fc6": 4096, "fc7": 4096}
    assert 2 * 2 * sum(channels.values()) == 35_200
    for per_channel in (True, False):
        model = CrossStitchFCN(
            {"a": 2, "b": 3},
            (32, 32, 3),
            width=1 / 32,
            stem_strides=2,
            padding="same",
            per_channel=per_channel,
        )
        found = alphas(model)
        assert set(found) == {f"stitch_{stage}" for stage in channels}
        # 96 / 32 = 3 channels are rounded to 4, for the two groups of conv2.
        narrow = {stage: max(4, count // 32) for stage, count in channels.items()}
        shapes = {f"stitch_{s}": (2, 2, narrow[s]) if per_channel else (2, 2) for s in channels}
        assert {name: array.shape for name, array in found.items()} == shapes


@pytest.mark.parametrize("per_channel", [True, False])
def test_identity_alphas_are_independent_towers(rng, per_channel):
    independent = randomize(model_of(Branched.independent()), rng)
    stitched = model_of(CrossStitched(per_channel=per_channel, alpha=(1.0, 0.0)))
    stitched.initialize_from(independent)
    x = rng.normal(size=(3, 5)).astype("float32")
    ours, theirs = outputs(stitched, x), outputs(independent, x)
    assert np.abs(ours["a"] - ours["b"]).max() > 0.1
    for task in "ab":
        np.testing.assert_array_equal(ours[task], theirs[task])


def test_units_mix_as_equation_1_says(rng):
    model = randomize(model_of(CrossStitched()), rng)
    x = rng.normal(size=(3, 5))
    features = {"a": x, "b": x}
    for stage in WIDTHS:
        kernels = {task: model.stage(task, stage).get_weights() for task in "ab"}
        y = [np.tanh(features[task] @ kernels[task][0] + kernels[task][1]) for task in "ab"]
        mixed = np.einsum("ijc,jbc->ibc", alphas(model)[f"stitch_{stage}"], np.stack(y))
        features = dict(zip("ab", mixed, strict=True))
    found = outputs(model, x.astype("float32"))
    for task in "ab":
        kernel, bias = model.head(task).get_weights()
        np.testing.assert_allclose(found[task], features[task] @ kernel + bias, atol=1e-4)


def test_a_convex_start_keeps_equal_towers(rng):
    x = rng.normal(size=(3, 5)).astype("float32")
    model = model_of(CrossStitched(alpha=(0.7, 0.3)), "abc")
    tower = model_of(Branched.hard_sharing(), "abc")
    tower.initialize_from(model)
    for task, output in outputs(model, x).items():
        np.testing.assert_allclose(output, outputs(tower, x)[task], atol=1e-5)


def test_three_tasks_train_and_come_back(rng, tmp_path):
    model = model_of(CrossStitched(after=["two"]), "abc")
    model.compile(SGD(0.01), loss="mse")
    before = alphas(model)["stitch_two"].copy()
    x = rng.normal(size=(8, 5)).astype("float32")
    y = {task: rng.normal(size=(8, 2)).astype("float32") for task in "abc"}
    losses = model.fit(x, y, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    after = alphas(model)["stitch_two"]
    assert (np.abs(after - before).max(-1) > 0).all()  # every pair of tasks
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.tasks == ["a", "b", "c"]
    ours, theirs = outputs(model, x), outputs(loaded, x)
    for task in "abc":
        np.testing.assert_array_equal(ours[task], theirs[task])


def test_options_reach_the_units():
    model = model_of(CrossStitched(alpha=(0.6, 0.4), learning_rate_multiplier=1000.0))
    units = [layer for layer in model.layers if isinstance(layer, CrossStitch)]
    assert {unit.alpha.learning_rate_multiplier for unit in units} == {1000.0}
    np.testing.assert_allclose(alphas(model)["stitch_one"][..., 0], [[0.6, 0.4], [0.4, 0.6]])


def test_configuration_comes_back():
    sharing = CrossStitched(["one"], False, (0.8, 0.2), 10.0)
    twin = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(sharing))
    assert twin.get_config() == sharing.get_config()
    assert twin.after == ["one"] and twin.alpha == (0.8, 0.2) and not twin.per_channel


@pytest.mark.parametrize("rate", [0.5, 1e-4])
def test_the_default_rate_of_the_alphas_is_limited_in_fit(rng, rate):
    """Compiled, and by a schedule: at most 0.1 with SGD, whatever the network's rate."""
    model = model_of(CrossStitched(["two"], learning_rate_multiplier=None))
    assert CrossStitched().get_config()["learning_rate_multiplier"] is None
    schedule = keras.optimizers.schedules.ExponentialDecay(rate, 1, 1.0)
    model.compile(SGD(schedule, weight_decay=0.1), loss="mse")
    twin = model_of(CrossStitched(["two"], learning_rate_multiplier=min(100, 0.1 / rate)))
    twin.set_weights(model.get_weights())
    twin.compile(SGD(rate, weight_decay=0.1), loss="mse")
    x = rng.normal(size=(8, *model.inputs[0].shape[1:])).astype("float32")
    y = {task: np.zeros(output.shape) for task, output in outputs(model, x).items()}
    for each in (model, twin):
        each.fit(x, y, verbose=0)
    start = model_of(CrossStitched(["two"]))
    assert np.abs(alphas(model)["stitch_two"] - alphas(start)["stitch_two"]).max() > 0
    for found, expected in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_unknown_stage_lists_the_known():
    with pytest.raises(ValueError, match=r"`after` must .* \['one', 'two', 'three'.*'ten'"):
        model_of(CrossStitched(after=["one", "ten"]))


def test_one_task_is_refused():
    with pytest.raises(ValueError, match=r"at least two tasks. Received: \['a'\]"):
        model_of(CrossStitched(), "a")


def test_an_unusual_start_warns_once_where_the_sharing_is_made():
    with pytest.warns(UserWarning, match="should sum to 1") as caught:
        model_of(CrossStitched(alpha=(0.9, 0.3)))
    ours = [warning for warning in caught if "alpha" in str(warning.message)]
    assert [warning.filename for warning in ours] == [__file__]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"alpha": 0.9}, "`alpha` must be a pair .*alpha=0.9"),
        ({"alpha": (1, 2, 3)}, r"`alpha` must be a pair .*alpha=\(1, 2, 3\)"),
        ({"learning_rate_multiplier": -1}, "`learning_rate_multiplier` must be .*=-1"),
        ({"learning_rate_multiplier": "fast"}, "`learning_rate_multiplier` must be .*='fast'"),
        ({"after": 5}, "`after` must be a name or a list of names. Received: after=5"),
    ],
)
def test_wrong_options_are_refused_at_once(options, message):
    with pytest.raises(ValueError, match=message):
        CrossStitched(**options)


def test_one_name_stands_for_itself():
    assert CrossStitched(after="one").after == ["one"]
