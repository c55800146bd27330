"""A step with a balancing is what its weights say, of gradients that are taken by other means."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops
from small_balanced import (
    SHARINGS,
    TASKS,
    Given,
    batch,
    model_of,
    trained,
    values,
)

import keras_mtl
from keras_mtl.balancing import FixedWeights
from keras_mtl.sharing import Branched, CrossStitched

WEIGHTS = {"young": 0.5, "kind": 2.0, "age": 1.5}


def pair(sharing, **options):
    """Two models of the same weights."""
    first, second = (model_of(sharing, **options) for _ in range(2))
    second.set_weights(first.get_weights())
    return first, second


def before_the_basis(sharing):
    """What is a task's own, but goes through what is shared."""
    parts = [f"{task}_{layer}" for task in TASKS for layer in ("one", "norm", "two")]
    names = ("kernel", "bias", "gamma", "beta")
    return {f"{part}/{name}" for part in parts for name in names if sharing == "basis"}


def close(ours, theirs, rtol=1e-5, atol=1e-6):
    assert ours.keys() == theirs.keys()
    for path in ours:
        np.testing.assert_allclose(ours[path], theirs[path], rtol, atol, err_msg=path)


# Their rows are each a task's own, behind all that is shared.
LAST_UNITS = ("stitch_two/alpha", "gate_two/gate")


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("every", (1, 2))
def test_the_weights_are_those_of_shared_variables(rng, sharing, every):
    """What a task has to itself, and what is no task's, is as in plain training."""
    x, y = batch(rng)
    plain, balanced = pair(SHARINGS[sharing])
    before = values(plain)
    plain.compile("sgd")
    gradients = keras_mtl.gradients.task_gradients(plain, (x, y))
    trained(plain, x, y)
    method = Given(WEIGHTS.values(), at="weights", every=every)
    trained(balanced, x, y, method)
    expected, gramian = values(plain), np.zeros((3, 3))
    for path in gradients["young"]:
        flat = np.stack([gradients[task][path].ravel() for task in TASKS])
        is_shared = (np.abs(flat).max(axis=1) > 0).sum() > 1
        if path in LAST_UNITS or not (is_shared or path in before_the_basis(sharing)):
            continue
        gramian += flat @ flat.T * is_shared
        more = sum((WEIGHTS[task] - 1) * gradients[task][path] for task in TASKS)
        expected[path] = expected[path] - 0.5 * more
    assert any(np.abs(values(balanced)[path] - before[path]).max() > 0 for path in before)
    close(values(balanced), expected, rtol=1e-4, atol=1e-6)
    seen = ops.convert_to_numpy(method.seen_gramian)
    np.testing.assert_allclose(seen, gramian, rtol=1e-4, atol=1e-7)


def test_gradients_at_features(rng):
    """They go on through what is shared as their weighted sum."""
    x, y = batch(rng)
    at_features, at_weights = pair(Branched.hard_sharing())
    method = Given(WEIGHTS.values(), at="features")
    trained(at_features, x, y, method)
    trained(at_weights, x, y, Given(WEIGHTS.values(), at="weights"))
    close(values(at_features), values(at_weights), rtol=1e-4)
    # By hand, for the two squared errors of linear heads.
    model = model_of(Branched.hard_sharing())
    method = Given([1, 1, 1], at="features", conflicts=True)
    model.compile(keras_mtl.optimizers.SGD(0.0), balancing=method)
    features = keras.Model(model.input, model.head("age").input)
    made = ops.convert_to_numpy(features(x, training=True))
    of_heads = {}
    for task in ("young", "age"):
        kernel, bias = (ops.convert_to_numpy(v) for v in model.head(task).weights)
        error = made @ kernel + bias - y[task]
        of_heads[task] = 2 * error / error.size @ kernel.T
    logs = model.train_on_batch(x, y, return_dict=True)
    seen = ops.convert_to_numpy(method.seen_gramian)
    for i, j in ((0, 0), (0, 2), (2, 2)):
        expected = np.sum(of_heads[TASKS[i]] * of_heads[TASKS[j]])
        np.testing.assert_allclose(seen[i, j], expected, rtol=1e-4)
    cosine = seen[0, 2] / np.sqrt(seen[0, 0] * seen[2, 2])
    np.testing.assert_allclose(logs["young_age_cosine"], cosine, rtol=1e-4)
    assert [logs[f"{task}_weight"] for task in TASKS] == [1, 1, 1]


@pytest.mark.parametrize("sharing", ("hard", "stitches"))
def test_equal_weights_are_plain_training(rng, sharing):
    """To the bit where losses are weighted; but for rounding where gradients are, with dropout.

    On JAX the bits are those of how XLA orders the sums of a step, which a factor of 1 may change.
    """
    x, y = batch(rng)
    plain, by_losses = pair(SHARINGS[sharing])
    logs = trained(plain, x, y, steps=3)
    balanced = trained(by_losses, x, y, FixedWeights({}), steps=3)
    rtol = 1e-6 if keras.backend.backend() == "jax" else 0
    for key, value in logs.items():
        np.testing.assert_allclose(balanced[key], value, rtol)
    assert balanced.keys() - logs.keys() == {f"{task}_weight" for task in TASKS}
    close(values(by_losses), values(plain), rtol, atol=rtol)
    for at in ("features", "weights"):
        noisy, balanced = pair(SHARINGS["hard"], noise=0.3)
        trained(noisy, x, y, steps=2)
        trained(balanced, x, y, Given([1, 1, 1], at=at), steps=2)
        close(values(balanced), values(noisy))


@pytest.mark.parametrize("at", (None, "features", "weights"))
def test_what_keras_does_besides_goes_on(rng, at):
    """Loss weights, sample weights, accumulation, clipping, a moving average, missing labels."""
    x, y = batch(rng)
    y["age"][::2] = np.nan
    given = np.linspace(0.5, 2, len(x)).astype("float32")
    options = {"loss_weights": {"kind": 3.0}, "weighted_metrics": {"kind": ["accuracy"]}}
    found, models = [], [*pair(Branched.hard_sharing())]
    for balancing in (None, FixedWeights({}) if at is None else Given([1, 1, 1], at=at)):
        optimizer = keras_mtl.optimizers.Adam(
            0.1, clipnorm=0.1, gradient_accumulation_steps=2, use_ema=True, weight_decay=0.1
        )
        model = models.pop()
        model.compile(optimizer, balancing=balancing, **options)
        history = model.fit(
            x, y, batch_size=6, epochs=2, verbose=0, shuffle=False, sample_weight=given,
            validation_data=(x, y),
        ).history  # fmt: skip
        found.append((values(model), history))
    (plain, logs), (balanced, logs_of_balanced) = found
    close(balanced, plain, rtol=1e-4)
    for key, value in logs.items():
        np.testing.assert_allclose(logs_of_balanced[key], value, rtol=1e-4, err_msg=key)
    more = {f"{task}_weight" for task in TASKS}
    assert logs_of_balanced.keys() - logs.keys() == more


@pytest.mark.parametrize("at", ("features", "weights"))
def test_half_precision(rng, at):
    """The scale of the loss is undone before gradients are looked at."""
    x, y = batch(rng)
    gramians, start = [], None
    for policy in ("float32", "mixed_float16"):
        keras.config.set_dtype_policy(policy)
        try:
            model = model_of(Branched.hard_sharing())
        finally:
            keras.config.set_dtype_policy("float32")
        if start is not None:
            model.set_weights(start)
        start = model.get_weights()
        method = Given([1, 1, 1], at=at)
        optimizer = keras_mtl.optimizers.SGD(0.1)
        if policy != "float32":
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=2.0**10)
        trained(model, x, y, method, optimizer)
        gramians.append(ops.convert_to_numpy(method.seen_gramian))
        assert model.balancing.in_effect.dtype == "float32"
    np.testing.assert_allclose(gramians[1], gramians[0], rtol=0.05, atol=1e-3)


@pytest.mark.parametrize("at", (None, "features", "weights"))
def test_a_loss_that_is_no_number_spoils_no_other(rng, at):
    """The step is that of the others; which task it was is said."""
    x, y = batch(rng)
    with_infinity = {**y, "age": np.full_like(y["age"], np.inf)}
    without = {task: y[task] for task in ("young", "kind")}
    ours, theirs = pair(Branched.hard_sharing())

    def method(**options):
        return FixedWeights({}, **options) if at is None else Given([1, 1, 1], at=at, **options)

    theirs.compile(keras_mtl.optimizers.SGD(0.5))
    theirs.train_on_batch(x, without)
    ours.compile(keras_mtl.optimizers.SGD(0.5), balancing=method())
    with pytest.warns(UserWarning, match="not finite in epoch 1.*{'age': 1}"):
        history = ours.fit(x, with_infinity, verbose=0, batch_size=len(x)).history
    close(values(ours), values(theirs))
    assert history["young_weight"] == [1] and not np.isfinite(history["loss"][0])
    ours.compile(keras_mtl.optimizers.SGD(0.5), balancing=method(on_nan="error"))
    with pytest.raises(FloatingPointError, match="'age': 1"):
        ours.fit(x, with_infinity, epochs=3, verbose=0, batch_size=len(x))
    assert all(np.isfinite(value).all() for value in values(ours).values())


def test_weights_are_computed_every_so_many_steps(rng):
    class Counting(Given):
        def weigh(self, seen):
            return seen.mask * ops.cast(self.steps, "float32") + 1

    x, y = batch(rng)
    for at in ("features", "weights"):
        model = model_of(Branched.hard_sharing())
        model.compile("sgd", balancing=Counting([0] * 3, at=at, every=3))
        found = []
        for _ in range(7):
            model.train_on_batch(x, y)
            found.append(float(ops.convert_to_numpy(model.balancing.in_effect)[0]))
        assert found == [1, 1, 1, 4, 4, 4, 7]


def test_any_model_of_several_outputs(rng):
    """With a list of outputs, a skip past what is shared, and what tasks share within a model."""
    x = keras.Input((5,))
    net = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, "tanh")], name="net")
    h = net(x)
    other = keras.layers.Concatenate()([h, x])
    outputs = [keras.layers.Dense(2, name="b")(other), keras.layers.Dense(1, name="a")(h)]
    plain = keras.Model(x, outputs)
    data = rng.normal(size=(8, 5)).astype("float32")
    y = {"b": rng.normal(size=(8, 2)), "a": rng.normal(size=(8, 1))}
    start = plain.get_weights()
    expected = []
    for at in ("features", "weights"):
        plain.set_weights(start)
        model = keras_mtl.balanced(plain)
        assert model.tasks == ["b", "a"] and model.get_layer("net") is net
        method = Given([1, 1], at=at)
        model.compile(keras.optimizers.SGD(0.1), dict.fromkeys("ba", "mse"), balancing=method)
        model.train_on_batch(data, y)
        expected.append([ops.convert_to_numpy(v) for v in plain.weights])
        assert (ops.convert_to_numpy(method.seen_gramian).diagonal() > 0).all()
    plain.set_weights(start)
    plain.compile(keras.optimizers.SGD(0.1), ["mse", "mse"])
    plain.train_on_batch(data, [y["b"], y["a"]])
    for weights in expected:
        for ours, theirs in zip(weights, plain.get_weights(), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    within = keras.Model(x, dict(zip("ba", plain(x), strict=True)))
    nested = keras_mtl.balanced(within)
    nested.compile("sgd", dict.fromkeys("ba", "mse"), balancing=Given([1, 1], at="weights"))
    nested.train_on_batch(data, y)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda m: m.compile("sgd", balancing="PCGrad"), TypeError, "`balancing` must be one of"),
        (
            lambda m: m.compile("sgd", balancing=FixedWeights({"ages": 2})),
            ValueError,
            "'ages'",
        ),
        (
            lambda m: model_of(Branched.independent()).compile("sgd", balancing=Given([1] * 3)),
            ValueError,
            "share no weights that learn",
        ),
        (
            lambda m: m.freeze(*m.stages).compile("sgd", balancing=Given([1] * 3)),
            ValueError,
            "share no weights that learn",
        ),
        (lambda m: Given([1] * 3, at="heads"), ValueError, "`at` must be one of"),
        (lambda m: Given([1] * 3, every=0), ValueError, "`every` must be an integer >= 1"),
        (lambda m: FixedWeights({}, on_nan="stop"), ValueError, "`on_nan` must be one of"),
        (lambda m: keras_mtl.balanced("model"), TypeError, "`model` must be a functional"),
    ],
)
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make(model_of(Branched.hard_sharing()))


@pytest.mark.one_backend
def test_a_balancing_has_one_model(rng):
    method = FixedWeights({})
    model = model_of(Branched.hard_sharing())
    model.compile("sgd", balancing=method)
    model.compile("sgd", balancing=method)
    with pytest.raises(ValueError, match="one of its own for each model"):
        keras_mtl.balanced(
            keras.Model(model.input, {"a": model.output["age"], "b": 2 * model.output["age"]})
        ).compile("sgd", "mse", balancing=method)
    count = len(model.weights)
    model.compile("sgd")
    assert model.balancing is None and len(model.weights) < count
    x, y = batch(rng)
    assert "age_weight" not in model.train_on_batch(x, y, return_dict=True)


def test_logs_of_what_nobody_knows(rng):
    """No label of a task in the whole epoch: no weight, and no cosine with it."""
    x, y = batch(rng)
    model = model_of(Branched.hard_sharing())
    model.compile("sgd", balancing=Given([1] * 3, at="features", conflicts=True))
    found = model.fit(x, {**y, "age": np.full_like(y["age"], np.nan)}, verbose=0).history
    unknown = {key for key, (value,) in found.items() if np.isnan(value)}
    of_pairs = {"young_age_cosine", "kind_age_cosine"}
    assert unknown == {"age_loss", "age_mae", "age_weight"} | of_pairs
    assert found["young_weight"] == [1] and "young_kind_cosine" in found


@pytest.mark.one_backend
def test_one_task_has_nothing_to_balance(rng):
    model = model_of(Branched.hard_sharing())
    with pytest.warns(UserWarning, match="nothing to balance.*'age'"):
        model.compile(
            "sgd", loss={"age": "mse", "young": None, "kind": None}, balancing=FixedWeights({})
        )
    x, y = batch(rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert model.balancing is None and "loss" in model.train_on_batch(x, y, return_dict=True)


def test_towers_that_mix_at_last():
    """Behind the last unit each task has features of its own; those before it are shared."""
    model = model_of(CrossStitched(after=["two"]))
    model.compile("sgd", balancing=Given([1] * 3, at="weights"))
    parts = model._balanced_step.parts
    assert len(parts.reads) == 3 and all(tasks == set(TASKS) for tasks in parts.reads)
    assert {v.path.split("/")[0] for v in parts.variables} == {
        f"{task}_{stage}" for task in TASKS for stage in ("one", "norm", "two")
    }
