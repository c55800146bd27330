"""Two optimizers in turn, against the stock ones driven by hand on the steps of their turns."""

import copy
import json

import keras
import numpy as np
import pytest

from keras_mtl.optimizers import SGD, Adam, Alternating

stock = keras.optimizers
BATCHES, BATCH, WARM_UP, STEPS = 5, 4, 2, (4, 3)


def data():
    rng = np.random.default_rng(0)
    shapes = (BATCHES * BATCH, 3), (BATCHES * BATCH, 2)
    return tuple(rng.normal(size=shape).astype("float32") for shape in shapes)


def linear_model(optimizer, **kwargs):
    """Two linear layers in a row, so that each group's gradients depend on the other group."""
    layers = [
        keras.Input((3,)),
        keras.layers.Dense(4, name="body"),
        keras.layers.Dense(2, use_bias=False, name="skip_policy"),
    ]
    model = keras.Sequential(layers)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    model.compile(optimizer, loss="mse", **kwargs)
    return model


def fit(model, epochs, initial_epoch=0, **kwargs):
    settings = dict(batch_size=BATCH, shuffle=False, epochs=epochs, verbose=0)
    return model.fit(*data(), initial_epoch=initial_epoch, **settings, **kwargs)


def gradients(values, step):
    """Of the mean squared error of `linear_model`, worked out by hand."""
    kernel, bias, policy = values
    at = slice(step % BATCHES * BATCH, (step % BATCHES + 1) * BATCH)
    inputs, targets = (array[at] for array in data())
    hidden = inputs @ kernel + bias
    error = 2 * (hidden @ policy - targets) / targets.size
    back = error @ policy.T
    return inputs.T @ back, back.sum(0), hidden.T @ error


def turn(step, warm_up_steps=WARM_UP, steps=STEPS):
    if step < warm_up_steps:
        return "warm_up"
    return "weights" if (step - warm_up_steps) % sum(steps) < steps[0] else "policy"


def by_hand(optimizers, count):
    """The variables after `count` steps, each with the stock optimizer that is on turn."""
    start = linear_model("sgd").get_weights()
    variables = [keras.Variable(w, name=n) for w, n in zip(start, "kbp", strict=True)]
    for step in range(count):
        name = turn(step)
        grads = gradients([keras.ops.convert_to_numpy(v) for v in variables], step)
        group = slice(2, 3) if name == "policy" else slice(0, 2)
        optimizers[name].apply(
            [keras.ops.convert_to_tensor(g) for g in grads[group]], variables[group]
        )
    return [keras.ops.convert_to_numpy(v) for v in variables]


def sgd_and_adam():
    return {
        "weights": stock.SGD(0.05, momentum=0.9, weight_decay=0.1, clipnorm=0.5),
        "policy": stock.Adam(0.03, weight_decay=0.2),
        "warm_up": stock.Adam(0.02, beta_1=0.5),
    }


def schedules():
    return {
        "weights": stock.AdamW(stock.schedules.CosineDecay(0.05, 6), weight_decay=0.1),
        "policy": stock.SGD(stock.schedules.ExponentialDecay(0.1, 2, 0.5), momentum=0.5),
        "warm_up": stock.RMSprop(0.01),
    }


def number(variable):
    return int(keras.ops.convert_to_numpy(variable))


def two_variables():
    return [keras.Variable(np.ones(2, "float32"), name=n) for n in ("kernel", "skip_policy")]


def apply(optimizer, grads, variables):
    """One step outside of `fit`, which on JAX has no side effects."""
    if keras.backend.backend() != "jax":
        return optimizer.apply(grads, variables)
    optimizer.build(variables)
    state = [v.value for v in optimizer.variables]
    values, state = optimizer.stateless_apply(state, grads, [v.value for v in variables])
    for variable, value in zip(variables + optimizer.variables, values + state, strict=True):
        variable.assign(value)


@pytest.mark.parametrize("make", [sgd_and_adam, schedules])
def test_fit_equals_the_stock_optimizers_by_hand(make):
    optimizer = Alternating(**make(), steps=STEPS, warm_up_steps=WARM_UP)
    model = linear_model(optimizer)
    fit(model, epochs=3)
    names = [turn(step) for step in range(3 * BATCHES)]
    assert number(optimizer.iterations) == len(names)
    for name in ("warm_up", "weights", "policy"):
        assert number(getattr(optimizer, name).iterations) == names.count(name) > 1
    expected = by_hand(make(), len(names))
    for value, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=2e-6, atol=1e-6)


def test_optimizers_with_multipliers_without_warm_up():
    """Its default: `weights` warms up too. The factor is that of a stock rate for the bias."""
    ours = Alternating(
        SGD(0.05, momentum=0.9, learning_rate_multipliers={"bias": 4.0}),
        Adam(0.01, learning_rate_multipliers={"skip": 3.0}),
        warm_up_steps=3,
        steps=[2, 1],
    )
    model = linear_model(ours)
    fit(model, epochs=2)
    names = [turn(step, 3, (2, 1)) for step in range(2 * BATCHES)]
    optimizers = [stock.SGD(0.05, momentum=0.9), stock.SGD(0.2, momentum=0.9), stock.Adam(0.03)]
    variables = [keras.Variable(w) for w in linear_model("sgd").get_weights()]
    for step, name in enumerate(names):
        grads = gradients([keras.ops.convert_to_numpy(v) for v in variables], step)
        for place in [2] if name == "policy" else [0, 1]:
            grad = keras.ops.convert_to_tensor(grads[place])
            optimizers[place].apply([grad], [variables[place]])
    for value, wanted in zip(model.get_weights(), variables, strict=True):
        np.testing.assert_allclose(value, keras.ops.convert_to_numpy(wanted), rtol=2e-6, atol=1e-6)


def test_what_is_not_on_turn_stands_still():
    optimizer = Alternating(**sgd_and_adam(), steps=(2, 1), warm_up_steps=2)
    model = linear_model(optimizer)

    def state():
        body, policy = model.get_layer("body"), model.get_layer("skip_policy")
        parts = {"body": body.variables, "skip_policy": policy.variables}
        for name in ("weights", "policy", "warm_up"):
            parts[name] = getattr(optimizer, name).variables
        return {
            name: [keras.ops.convert_to_numpy(v).copy() for v in variables]
            for name, variables in parts.items()
        }

    x, y = (array[:BATCH] for array in data())
    optimizer.build(model.trainable_variables)
    before = state()
    for step in range(6):
        model.train_on_batch(x, y)
        after = state()
        moved = {
            name
            for name in after
            if any((a != b).any() for a, b in zip(after[name], before[name], strict=True))
        }
        name = turn(step, 2, (2, 1))
        assert moved == {name, "skip_policy" if name == "policy" else "body"}, step
        assert number(optimizer.iterations) == step + 1
        before = after


@pytest.mark.parametrize("epochs", [1, 2], ids=["in_weights", "in_policy"])
def test_a_resumed_run_continues_bit_for_bit(epochs, tmp_path):
    # After 5 steps two are left of the first turn of the weights, after 10 those of a later one.
    steps = STEPS if epochs == 1 else (4, 5)
    assert turn(epochs * BATCHES, WARM_UP, steps) == ("weights" if epochs == 1 else "policy")

    def model():
        return linear_model(Alternating(**sgd_and_adam(), steps=steps, warm_up_steps=WARM_UP))

    whole, part = model(), model()
    fit(whole, epochs=3)
    fit(part, epochs=epochs)
    part.save(tmp_path / "part.keras")
    resumed = keras.saving.load_model(tmp_path / "part.keras")
    assert type(resumed.optimizer) is Alternating
    assert resumed.optimizer.get_config() == part.optimizer.get_config()
    fit(resumed, epochs=3, initial_epoch=epochs)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(whole.optimizer.variables, resumed.optimizer.variables, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (a, b)), err_msg=a.path)


def test_the_learning_rate_is_that_of_the_weights():
    optimizer = Alternating(stock.SGD(0.5), stock.SGD(0.25))
    model = linear_model(optimizer)
    start = model.get_weights()
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.0)
    history = fit(model, epochs=1, callbacks=[scheduler]).history
    assert history["learning_rate"] == [0.0]
    assert float(optimizer.learning_rate) == float(optimizer.weights.learning_rate) == 0.0
    moved = [(a != b).any() for a, b in zip(model.get_weights(), start, strict=True)]
    assert moved == [False, False, True]


def test_a_loss_scale_optimizer_around():
    make = lambda: Alternating(stock.SGD(0.1), stock.SGD(0.2))  # noqa: E731
    scaled, plain = linear_model(stock.LossScaleOptimizer(make(), 16.0)), linear_model(make())
    for model in (scaled, plain):
        fit(model, epochs=1)
    for a, b in zip(scaled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert number(scaled.optimizer.iterations) == BATCHES


def test_the_loss_scale_is_that_of_the_optimizer_on_turn():
    make = lambda a, b: Alternating(  # noqa: E731
        stock.SGD(0.1, loss_scale_factor=a), stock.SGD(0.2, loss_scale_factor=b)
    )
    scaled, plain = linear_model(make(4.0, 32.0)), linear_model(make(None, None))
    for model in (scaled, plain):
        fit(model, epochs=1)
    for a, b in zip(scaled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    wrapped = stock.LossScaleOptimizer(scaled.optimizer).inner_optimizer
    assert wrapped.weights.loss_scale_factor is wrapped.policy.loss_scale_factor is None


@pytest.mark.parametrize("warm_up", [None, stock.SGD], ids=["without_warm_up", "with"])
def test_averages_replace_only_variables_that_were_trained(warm_up):
    """The weights after a turn of theirs, whether they were warmed up; not yet the policy."""
    ema = dict(use_ema=True, ema_momentum=0.5)
    warm_up = warm_up and warm_up(0.1)
    optimizer = Alternating(
        stock.SGD(0.1, **ema),
        stock.Adam(0.1, **ema),
        steps=(BATCHES, 1),
        warm_up=warm_up,
        warm_up_steps=2 if warm_up else 0,
    )
    model = linear_model(optimizer)
    values = model.get_weights()
    averages = None
    fit(model, epochs=1)
    for step in range(BATCHES):
        grads = gradients(values, step)
        values = [values[0] - 0.1 * grads[0], values[1] - 0.1 * grads[1], values[2]]
        if warm_up is None or step >= 2:
            old = values if averages is None else averages
            averages = [(a + b) / 2 for a, b in zip(old, values, strict=True)]
    for value, wanted in zip(model.get_weights(), averages, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-6)


def test_averages_of_an_unfinished_warm_up():
    ema = dict(use_ema=True, ema_momentum=0.5)
    optimizer = Alternating(
        stock.SGD(0.1, **ema), stock.SGD(0.1, **ema), warm_up=stock.SGD(0.1), warm_up_steps=9
    )
    variables = two_variables()
    apply(optimizer, [keras.ops.ones(2)] * 2, variables)
    optimizer.finalize_variable_values(variables)
    np.testing.assert_allclose([v[0] for v in map(keras.ops.convert_to_numpy, variables)], [0.9, 1])


def test_a_variable_without_gradient():
    one = keras.ops.ones(2)
    variables = [*two_variables(), keras.Variable(np.ones(2, "float32"), name="unused")]
    optimizer = Alternating(stock.SGD(0.5, weight_decay=0.1), stock.SGD(0.25))
    with pytest.warns(UserWarning, match="Gradients do not exist for variables .*unused"):
        apply(optimizer, [one, one, None], variables)
    values = [float(keras.ops.convert_to_numpy(v)[0]) for v in variables]
    assert values == pytest.approx([0.45, 1, 1])
    with pytest.warns(UserWarning, match="No variable of the optimizer .* has a gradient"):
        apply(optimizer, [one, None, one], variables)
    values = [float(keras.ops.convert_to_numpy(v)[0]) for v in variables]
    assert values == pytest.approx([0.45, 1, 1])
    assert (number(optimizer.iterations), number(optimizer.policy.iterations)) == (2, 0)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="has raw tf.Variable")
def test_raw_variables_of_tensorflow():
    import tensorflow as tf

    variables = [tf.Variable([1.0], name=n) for n in ("kernel", "skip_policy")]
    optimizer = Alternating(stock.SGD(0.5), stock.SGD(0.25))
    for _ in range(3):
        optimizer.apply_gradients((tf.constant([1.0]), v) for v in variables)
    assert [v.numpy()[0] for v in variables] == [0.0, 0.75]


def test_config_round_trip_and_copy():
    optimizer = Alternating(
        **sgd_and_adam(), pattern="alpha|logits", steps=STEPS, warm_up_steps=np.int64(7), name="two"
    )
    config = json.loads(json.dumps(stock.serialize(optimizer)))
    assert config["registered_name"] == "keras_mtl>Alternating"
    for again in (stock.deserialize(config), copy.deepcopy(optimizer)):
        assert again.get_config() == optimizer.get_config()
        assert (again.steps, again.warm_up_steps, again.name) == (STEPS, 7, "two")
        # On torch the stock classes are swapped for faster ones.
        assert type(again.weights) is type(stock.SGD()) and again.weights.momentum == 0.9
        assert type(again.warm_up) is type(stock.Adam()) and again.warm_up.beta_1 == 0.5
    assert (
        Alternating.from_config(Alternating(stock.SGD(), stock.Adam()).get_config()).warm_up is None
    )


def test_the_config_of_a_stock_optimizer_names_another_backend():
    """What torch writes, where Keras swaps the stock classes."""
    config = Alternating(stock.SGD(), stock.Adam()).get_config()
    config["policy"]["module"] = "keras.src.backend.torch.optimizers.torch_adam"
    config["policy"]["registered_name"] = "Adam"
    before = copy.deepcopy(config)
    assert type(Alternating.from_config(config).policy) is type(stock.Adam())
    assert config == before


def test_weights_can_be_set():
    optimizer = Alternating(**sgd_and_adam(), warm_up_steps=1)
    optimizer.build(two_variables())
    values = [np.full(v.shape, i, v.dtype) for i, v in enumerate(optimizer.variables, 2)]
    optimizer.set_weights(values)
    for variable, value in zip(optimizer.variables, values, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)
    assert number(optimizer.iterations) == 2


def test_variables_excluded_from_weight_decay():
    optimizer = Alternating(stock.SGD(1.0, weight_decay=0.5), stock.SGD(1.0, weight_decay=0.5))
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    variables = [*two_variables(), keras.Variable(np.ones(2, "float32"), name="bias")]
    for _ in range(2):
        apply(optimizer, [keras.ops.zeros(2)] * 3, variables)
    assert [float(keras.ops.convert_to_numpy(v)[0]) for v in variables] == [0.5, 0.5, 1.0]


def test_the_state_of_another_optimizer_is_not_loaded(tmp_path):
    other, ours = linear_model("adam"), linear_model(Alternating(stock.SGD(), stock.SGD()))
    for model in (other, ours):
        model.optimizer.build(model.trainable_variables)
    other.save_weights(tmp_path / "other.weights.h5")
    with pytest.warns(UserWarning, match="the state of another kind of optimizer"):
        ours.load_weights(tmp_path / "other.weights.h5")


ONE = stock.SGD(0.1)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(weights="sgd"), "`weights` must be a Keras optimizer. Received: weights='sgd'"),
        (dict(policy=None), "`policy` must be a Keras optimizer"),
        (dict(warm_up=0.1, warm_up_steps=1), "`warm_up` must be a Keras optimizer"),
        (dict(weights=stock.LossScaleOptimizer(ONE)), "`weights` must be a single optimizer"),
        (dict(weights=ONE, policy=ONE), "`weights`, `policy` must be different objects"),
        (dict(policy=ONE, warm_up=ONE, warm_up_steps=1), "`warm_up` must be different objects"),
        (dict(pattern="("), "`pattern` must be a string that is a regular expression"),
        (dict(pattern=None), "`pattern` must be a string that is a regular expression"),
        (dict(steps=3), "`steps` must be a pair"),
        (dict(steps=(1, 1, 1)), "`steps` must be a pair"),
        (dict(steps=(1, 0)), r"`steps\[1\]` must be an integer >= 1"),
        (dict(steps=(1.0, 1)), r"`steps\[0\]` must be an integer >= 1"),
        (dict(warm_up_steps=-1), "`warm_up_steps` must be an integer >= 0"),
        (dict(warm_up_steps=1.5), "`warm_up_steps` must be an integer >= 0"),
        (dict(warm_up=stock.SGD()), "`warm_up_steps` must be at least 1 if `warm_up` is given"),
        (dict(clipnorm=1.0), "give it to `weights`, `policy` or `warm_up`. .*clipnorm"),
    ],
)
def test_invalid_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Alternating(**{"weights": stock.SGD(), "policy": stock.SGD(), **arguments})


@pytest.mark.parametrize("pattern, matches", [("alpha", "none"), (".", "all")])
def test_a_pattern_that_leaves_a_group_empty(pattern, matches):
    optimizer = Alternating(stock.SGD(), stock.SGD(), pattern=pattern)
    message = f"`pattern` must .*matches {matches}. Known paths: .*kernel', '.*skip_policy'"
    with pytest.raises(ValueError, match=message):
        optimizer.build(two_variables())
    assert not optimizer.built


def test_use_before_build():
    optimizer, one = Alternating(stock.SGD(), stock.SGD()), keras.ops.ones(2)
    with pytest.raises(ValueError, match="Call `build` .* before `apply`"):
        optimizer.apply([one])
    with pytest.raises(ValueError, match="Call `build` .* before `stateless_apply`"):
        optimizer.stateless_apply([], [one], [one])
