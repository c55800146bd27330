"""The rules of the multipliers: golden numbers, carried factors, decay, freezing, errors."""

import warnings

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_mtl.optimizers import SGD, Adam, AdamW, with_learning_rate_multipliers

Muon = with_learning_rate_multipliers(keras.optimizers.Muon)


def variable(name, value=(1.0, -2.0), **carried):
    made = keras.Variable(np.array(value, "float32"), name=name)
    for attribute, content in carried.items():
        setattr(made, attribute, content)
    return made


def gradient(*value):
    return keras.ops.convert_to_tensor(np.array(value, "float32"))


def value_of(tensor):
    return keras.ops.convert_to_numpy(tensor)


def moved(optimizer, *variables):
    """How far each variable goes in a step with gradient 1."""
    before = [value_of(v).copy() for v in variables]
    optimizer.apply([keras.ops.ones(v.shape) for v in variables], list(variables))
    return [value_of(v) - b for v, b in zip(variables, before, strict=True)]


def test_golden_sgd_with_nesterov_decay_and_global_clipping():
    rate, momentum, decay, clip = 0.05, 0.9, 0.2, 1.5
    factors = {"kernel": 1.0, "alpha": 20.0, "gate": 0.5}
    rng = np.random.default_rng(1)
    weights = {n: rng.normal(size=(2, 3)) for n in factors}
    velocity = {n: np.zeros((2, 3)) for n in factors}
    variables = [variable(n, w) for n, w in weights.items()]
    optimizer = SGD(
        rate,
        momentum=momentum,
        nesterov=True,
        weight_decay=decay,
        global_clipnorm=clip,
        learning_rate_multipliers={"alpha": 20.0, "gate": 0.5},
    )
    for _ in range(5):
        grads = {n: rng.normal(size=(2, 3)) for n in factors}
        optimizer.apply([gradient(*g) for g in grads.values()], variables)
        norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
        for name, factor in factors.items():
            g = grads[name] * min(1.0, clip / norm)
            lr = rate * factor
            weights[name] *= 1 - lr * decay
            velocity[name] = momentum * velocity[name] - lr * g
            weights[name] += momentum * velocity[name] - lr * g
    for v, expected in zip(variables, weights.values(), strict=True):
        np.testing.assert_allclose(value_of(v), expected, rtol=2e-5, atol=1e-6)


def test_a_factor_scales_the_step_of_adam_and_a_scaled_gradient_does_not():
    (plain,) = moved(Adam(1e-3), variable("a"))
    (factor,) = moved(Adam(1e-3, learning_rate_multipliers={"a": 10.0}), variable("a"))
    v = variable("a")
    Adam(1e-3).apply([gradient(10.0, 10.0)], [v])
    np.testing.assert_allclose(factor, 10 * plain, rtol=1e-4)
    np.testing.assert_allclose(value_of(v) - value_of(variable("a")), plain, rtol=1e-4)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.floats(0, 1e3, width=32), min_size=1, max_size=4))
def test_a_step_of_sgd_is_the_rate_times_the_factor(factors):
    multipliers = {f"w{i}$": f for i, f in enumerate(factors)}
    variables = [variable(f"w{i}", [0.0]) for i in range(len(factors))]
    steps = moved(SGD(0.01, learning_rate_multipliers=multipliers), *variables)
    np.testing.assert_allclose(np.ravel(steps), -0.01 * np.array(factors), rtol=1e-5, atol=1e-30)


def test_a_carried_factor_counts_and_a_pattern_wins_over_it():
    carried = {"learning_rate_multiplier": 100.0}
    steps = moved(SGD(0.01), variable("alpha", **carried), variable("kernel"))
    np.testing.assert_allclose(steps, [[-1.0, -1.0], [-0.01, -0.01]], rtol=1e-4)
    optimizer = SGD(0.01, learning_rate_multipliers={"alpha": 3.0})
    (step,) = moved(optimizer, variable("alpha", **carried))
    np.testing.assert_allclose(step, [-0.03, -0.03], rtol=1e-4)


def test_a_carried_limit_bounds_the_rate_and_a_pattern_lifts_it():
    carried = {"learning_rate_multiplier": 100.0, "learning_rate_limit": 0.1}
    for rate, expected in ((1e-4, 0.01), (0.01, 0.1), (5.0, 0.1)):
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            alpha, kernel = moved(SGD(rate), variable("alpha", **carried), variable("kernel"))
        np.testing.assert_allclose([-alpha[0], -kernel[0]], [expected, rate], rtol=1e-3)
    # Steps of Adam have the length of the rate, whatever the gradient.
    (step,) = moved(Adam(1e-3), variable("alpha", **carried))
    np.testing.assert_allclose(step, [-0.01, -0.01], rtol=1e-3)
    (step,) = moved(SGD(0.01, learning_rate_multipliers={"a": 50.0}), variable("a", **carried))
    np.testing.assert_allclose(step, [-0.5, -0.5], rtol=1e-4)
    (decayed,) = variables = [variable("alpha", **carried)]
    SGD(0.01, weight_decay=0.5).apply([gradient(0.0, 0.0)], variables)
    np.testing.assert_allclose(value_of(decayed), [0.95, -1.9], rtol=1e-6)


@pytest.mark.parametrize("make, rate", [(SGD, 0.01), (Adam, 1e-3)])
def test_a_carried_factor_that_makes_a_high_rate_warns_once(make, rate):
    made = [variable(f"alpha{i}", learning_rate_multiplier=100.0) for i in range(2)]
    with pytest.warns(UserWarning, match=r"100 × .* = .*Lower .*'alpha0', 'alpha1'") as caught:
        make(keras.optimizers.schedules.ExponentialDecay(rate, 10, 0.9)).build(made)
    assert sum(each.category is UserWarning for each in caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        make(rate / 10).build(made)  # the paper's
        make(rate, learning_rate_multipliers={"alpha": 100.0}).build(made)  # one's own


def test_the_first_pattern_of_the_dict_decides():
    optimizer = SGD(0.1, learning_rate_multipliers={"tower_alpha": 2.0, "tower": 3.0})
    steps = moved(optimizer, variable("tower_alpha"), variable("tower_kernel"), variable("head"))
    np.testing.assert_allclose([s[0] for s in steps], [-0.2, -0.3, -0.1], rtol=1e-5)


def test_factors_hold_for_gradients_of_a_few_variables():
    a, b, c = variable("a"), variable("b"), variable("c")
    optimizer = SGD(0.1, momentum=0.9, learning_rate_multipliers={"b": 5.0})
    optimizer.build([a, b, c])
    optimizer.apply([gradient(1.0, 1.0), gradient(1.0, 1.0)], [c, b])
    with pytest.warns(UserWarning, match="Gradients do not exist"):
        optimizer.apply([None, gradient(0.0, 0.0), None], [a, b, c])
    np.testing.assert_allclose(value_of(a), [1.0, -2.0])
    np.testing.assert_allclose(value_of(b), np.array([1.0, -2.0]) - 0.5 * 1.9, rtol=1e-6)
    np.testing.assert_allclose(value_of(c), [0.9, -2.1], rtol=1e-6)


def test_a_rate_set_by_hand_and_one_from_a_callable():
    optimizer = SGD(0.1, learning_rate_multipliers={"a": 4.0})
    a = variable("a")
    optimizer.build([a])
    optimizer.learning_rate = 0.5
    np.testing.assert_allclose(moved(optimizer, a), [[-2.0, -2.0]], rtol=1e-6)
    assert float(optimizer.learning_rate) == 0.5
    optimizer = SGD(lambda: 0.25, weight_decay=0.1, learning_rate_multipliers={"a": 4.0})
    np.testing.assert_allclose(moved(optimizer, variable("a", [0.0])), [[-1.0]], rtol=1e-6)


@pytest.mark.parametrize("make", [SGD, AdamW, Muon], ids=lambda c: c.__name__)
def test_weight_decay_takes_the_factor_and_leaves_exempt_variables_alone(make):
    decay = {"weight_decay": 0.5}
    if make is Muon:
        decay["adam_weight_decay"] = 0.5
    optimizer = make(0.01, learning_rate_multipliers={"alpha": 10.0, "gate": 10.0}, **decay)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    variables = [
        variable("kernel"),
        variable("alpha", weight_decay_exempt=True),
        variable("gate"),
        variable("bias"),
    ]
    optimizer.apply([gradient(0.0, 0.0)] * 4, variables)
    remaining = [value_of(v)[0] for v in variables]
    np.testing.assert_allclose(remaining, [0.995, 1.0, 0.95, 1.0], rtol=1e-6)


def test_weight_decay_with_every_variable_exempt():
    v = variable("alpha", weight_decay_exempt=True)
    SGD(0.1, weight_decay=0.5).apply([gradient(0.0, 0.0)], [v])
    np.testing.assert_array_equal(value_of(v), [1.0, -2.0])


def test_the_factor_of_the_decay_does_not_outlive_an_error(monkeypatch):
    optimizer = SGD(0.1, weight_decay=0.5, learning_rate_multipliers={"a": 7.0})
    optimizer.build([variable("a")])

    def fail(self, variables):
        assert float(self.learning_rate) == pytest.approx(0.7)
        raise RuntimeError("no memory")

    monkeypatch.setattr(keras.optimizers.Optimizer, "_apply_weight_decay", fail)
    with pytest.raises(RuntimeError, match="no memory"):
        optimizer.apply([gradient(1.0, 1.0)])
    assert float(optimizer.learning_rate) == pytest.approx(0.1)


def test_factor_zero_freezes_the_variable_and_its_state():
    optimizer = AdamW(0.1, weight_decay=0.5, learning_rate_multipliers={"frozen": 0})
    frozen, free = variable("frozen"), variable("free")
    optimizer.apply([gradient(np.nan, 1.0), gradient(1.0, 1.0)], [frozen, free])
    np.testing.assert_array_equal(value_of(frozen), [1.0, -2.0])
    assert value_of(free)[0] < 1.0
    state = [value_of(v) for v in optimizer.variables if "frozen" in v.path]
    assert len(state) == 2 and not np.any(state)


@pytest.mark.parametrize("factor", [-1.0, float("nan"), float("inf"), "10", None])
def test_an_invalid_factor_is_refused(factor):
    with pytest.raises(ValueError, match=r"\['alpha'\]` must be a finite number of at least 0"):
        SGD(0.1, learning_rate_multipliers={"alpha": factor})
    with pytest.raises(ValueError, match="carried by the variable 'alpha'"):
        SGD(0.1).build([variable("alpha", learning_rate_multiplier=factor)])


@pytest.mark.parametrize("multipliers", [{"(": 1.0}, {3: 1.0}, {b"a": 1.0}])
def test_an_invalid_pattern_is_refused(multipliers):
    with pytest.raises(ValueError, match="must be a string that is a regular expression"):
        SGD(0.1, learning_rate_multipliers=multipliers)


def test_what_is_no_dict_is_refused():
    with pytest.raises(ValueError, match=r"must be a dict .* Received: .*\['alpha'\]"):
        SGD(0.1, learning_rate_multipliers=["alpha"])


def test_a_pattern_that_matches_nothing_is_refused_with_known_paths():
    variables = [variable(f"layer_{i}") for i in range(12)]
    optimizer = SGD(0.1, learning_rate_multipliers={"layer_3": 2.0, "alpha": 2.0})
    with pytest.raises(ValueError, match=r"'alpha'.* matches no trainable .*layer_0.* and 2 more"):
        optimizer.build(variables)
    assert not optimizer.built and len(optimizer.variables) == 2


def test_a_pattern_that_never_decides_is_refused():
    optimizer = SGD(0.1, learning_rate_multipliers={"tower": 0.1, "tower_alpha": 100.0})
    with pytest.raises(ValueError, match=r"'tower_alpha'.* decides no variable.*'tower_alpha'"):
        optimizer.build([variable("tower_alpha"), variable("tower_kernel")])
