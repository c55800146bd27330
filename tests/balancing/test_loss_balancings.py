"""Ways of balancing that look at losses alone, against NumPy, and what is true of all of them."""

import json
from functools import partial

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.balancing import (
    FAMO,
    DynamicWeightAverage,
    FixedWeights,
    GeometricMean,
    GradientBalancing,
    IMTLLoss,
    LossBalancing,
    RandomLossWeighting,
    Smoothed,
    SmoothTchebycheff,
    Uncertainty,
)

TASKS = ["depth", "edges", "normals", "parts"]
RAMP = keras.optimizers.schedules.PolynomialDecay(2.0, 10, end_learning_rate=0.5)


def value(tensor):
    return ops.convert_to_numpy(tensor)


# The same in NumPy, in double precision: losses of 0 have no label


def slope(function, x):
    """Derivatives by central differences, of a function of an array."""
    found = []
    for place in range(len(x)):
        step = np.zeros(len(x))
        step[place] = 1e-5 * max(abs(x[place]), 1e-3)
        found.append((function(x + step) - function(x - step)) / (2 * step[place]))
    return np.array(found)


def softmax(x):
    x = np.exp(x - np.max(x))
    return x / x.sum()


class NumpyAdam:
    def __init__(self, count, rate):
        self.x, self.m, self.v, self.t = np.zeros((4, count))
        self.rate = rate

    def step(self, place, gradient):
        self.t[place] += 1
        self.m[place] = 0.9 * self.m[place] + 0.1 * gradient
        self.v[place] = 0.999 * self.v[place] + 0.001 * gradient**2
        mean = self.m[place] / (1 - 0.9 ** self.t[place])
        square = self.v[place] / (1 - 0.999 ** self.t[place])
        self.x[place] -= self.rate * mean / (np.sqrt(square) + 1e-7)


class Reference:
    """Subclasses say by `known` the weights of those that have a label."""

    def weigh(self, losses):
        known = np.flatnonzero(losses)
        weights = np.ones(len(losses))
        weights[known] = self.of_known(losses[known], known)
        return weights

    def after(self, losses):
        pass

    def end_epoch(self):
        pass


class Learned(Reference):
    """Minimises `objective(s, L)`; weights are its slope by the losses."""

    def __init__(self, objective, rate):
        self.objective, self.adam = objective, NumpyAdam(4, rate)

    def of_known(self, losses, known):
        s = self.adam.x[known]
        weights = slope(lambda x: self.objective(s, x).sum(), losses)
        gradients = slope(lambda x: self.objective(x, losses).sum(), s)
        for place, gradient in zip(known, gradients, strict=True):
            self.adam.step(place, gradient)
        return weights


class ReferenceDWA(Reference):
    def __init__(self, temperature):
        self.temperature, self.epochs, self.now = temperature, [], [[] for _ in TASKS]

    def weigh(self, losses):
        ratios = np.ones(4)
        if len(self.epochs) > 1:
            ratios = np.array(self.epochs[-1]) / self.epochs[-2]
        for seen, loss in zip(self.now, losses, strict=True):
            seen.extend([loss] * bool(loss))
        return 4 * softmax(ratios / self.temperature)

    def end_epoch(self):
        self.epochs.append([np.mean(seen) for seen in self.now])
        self.now = [[] for _ in TASKS]


class ReferenceRLW(Reference):
    def __init__(self, seed):
        self.seed = keras.random.SeedGenerator(seed)

    def weigh(self, losses):
        return 4 * softmax(value(keras.random.normal((4,), seed=self.seed)).astype(float))


class ReferenceGLS(Reference):
    def of_known(self, losses, known):
        return slope(lambda x: len(x) * np.prod(x) ** (1 / len(x)), losses)


class ReferenceSTCH(Reference):
    def __init__(self, mu, warm_up):
        self.mu, self.warm_up, self.epochs, self.seen = mu, warm_up, 0, [[] for _ in TASKS]

    def of_known(self, losses, known):
        if self.epochs == self.warm_up:
            for place, loss in zip(known, losses, strict=True):
                self.seen[place].append(loss)
        if self.epochs <= self.warm_up:
            return slope(lambda x: np.log(x).sum(), losses)
        nadir = np.array([np.mean(self.seen[place]) for place in known])
        return slope(
            lambda x: len(x) * self.mu * np.log(np.exp(np.log(x / nadir) / self.mu).sum()), losses
        )

    def end_epoch(self):
        self.epochs += 1


class ReferenceFAMO(Reference):
    def __init__(self, rate, decay):
        self.adam, self.decay = NumpyAdam(4, rate), decay

    def of_known(self, losses, known):
        self.known, self.before = known, losses
        z = softmax(self.adam.x[known])
        c = 1 / (z / losses).sum()
        return slope(lambda x: len(x) * c * (z * np.log(x)).sum(), losses)

    def after(self, losses):
        delta = np.log(self.before) - np.log(losses[self.known])
        if len(self.known) > 1:
            logits = self.adam.x[self.known]
            z = softmax(logits)
            gradient = (np.diag(z) - np.outer(z, z)).T @ delta + self.decay * logits
            for place, each in zip(self.known, gradient, strict=True):
                self.adam.step(place, each)


class ReferenceFixed(Reference):
    def __init__(self):
        self.step = 0

    def weigh(self, losses):
        ramp = 2 + (0.5 - 2) * min(self.step, 10) / 10
        self.step += 1
        return np.array([0.5, ramp, 1, 0])


class ReferenceSmoothed(Reference):
    def __init__(self, inner, alpha):
        self.inner, self.alpha, self.average = inner, alpha, np.ones(4)

    def weigh(self, losses):
        new = self.inner.weigh(losses)
        for place in np.flatnonzero(losses):
            self.average[place] += (1 - self.alpha) * (new[place] - self.average[place])
        return self.average.copy()

    def after(self, losses):
        self.inner.after(losses)

    def end_epoch(self):
        self.inner.end_epoch()


def uncertainty(s, x):
    return np.exp(-s) * x / 2 + s / 2


def imtl(s, x):
    return np.exp(s) * x - s


FIXED = {"edges": RAMP, "depth": 0.5, "parts": 0}
METHODS = {
    "uncertainty": partial(Uncertainty, 0.1),
    "imtl": partial(IMTLLoss, learning_rate=0.05),
    "dwa": partial(DynamicWeightAverage, 0.5),
    "rlw": partial(RandomLossWeighting, seed=3),
    "geometric": GeometricMean,
    "tchebycheff": partial(SmoothTchebycheff, mu=0.5, warm_up=1),
    "famo": partial(FAMO, 0.1, decay=0.01),
    "fixed": partial(FixedWeights, FIXED),
    "smoothed dwa": lambda: Smoothed(DynamicWeightAverage(0.5), alpha=0.5),
    "smoothed famo": lambda: Smoothed(FAMO(0.1, 0.01)),
    "smoothed fixed": lambda: Smoothed(FixedWeights(FIXED), 0.8),
    "smoothed rlw": lambda: Smoothed(RandomLossWeighting(3), 0.6),
}
REFERENCES = {
    "uncertainty": lambda: Learned(uncertainty, 0.1),
    "imtl": lambda: Learned(imtl, 0.05),
    "dwa": lambda: ReferenceDWA(0.5),
    "rlw": lambda: ReferenceRLW(3),
    "geometric": ReferenceGLS,
    "tchebycheff": lambda: ReferenceSTCH(0.5, 1),
    "famo": lambda: ReferenceFAMO(0.1, 0.01),
    "fixed": ReferenceFixed,
    "smoothed dwa": lambda: ReferenceSmoothed(ReferenceDWA(0.5), 0.5),
    "smoothed famo": lambda: ReferenceSmoothed(ReferenceFAMO(0.1, 0.01), 0.9),
    "smoothed fixed": lambda: ReferenceSmoothed(ReferenceFixed(), 0.8),
    "smoothed rlw": lambda: ReferenceSmoothed(ReferenceRLW(3), 0.6),
}
SINGLE = [name for name in METHODS if "smoothed" not in name]
# Their weights are of all tasks, whatever has a label in the batch.
OF_ALL = ("rlw", "dwa", "fixed")

every = pytest.mark.parametrize("name", METHODS)


def watched(name, tasks=TASKS):
    method = METHODS[name]() if isinstance(name, str) else name
    method.watch(tasks)
    return method


def epochs(rng, count=3, steps=3, tasks=4, missing=0.25):
    """Losses before and behind each step, of some epochs, each with all labels in its first."""
    shape = (count, steps, tasks)
    losses = np.exp(1.5 * rng.normal(size=shape)) * np.exp(rng.normal(size=tasks))
    losses *= rng.random(shape) >= missing * (np.arange(steps) > 0)[:, None]
    return np.stack([losses, losses * np.exp(0.3 * rng.normal(size=shape))], 2).astype("float32")


def run(method, data, step=None):
    """Weights of each step (steps, T), 0 where there is no label."""
    found = []
    for epoch in data:
        for losses, after in epoch:
            weights = value((step or one_step)(method, losses, after))
            found.append(np.where(losses > 0, weights, 0))
        method.end_epoch()
    return np.array(found)


def one_step(method, losses, after):
    weights = method(losses)
    if method.needs_losses_after:
        method.after(ops.convert_to_tensor(after), ops.isfinite(after))
    method.record(ops.convert_to_tensor(losses), weights)
    return weights


def compiled(method):
    """`one_step` as a model has it: a graph on TensorFlow, a pure function on JAX."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        graph = tf.function(partial(one_step, method))
        return lambda _, losses, after: graph(tf.constant(losses), tf.constant(after))
    if keras.backend.backend() == "jax":
        import jax

        variables = method.variables

        @jax.jit
        def pure(state, losses, after):
            with keras.StatelessScope(list(zip(variables, state, strict=True))) as scope:
                weights = one_step(method, losses, after)
            new = [scope.get_current_value(variable) for variable in variables]
            return weights, [
                old if each is None else each for old, each in zip(state, new, strict=True)
            ]

        def step(_, losses, after):
            weights, state = pure([variable.value for variable in variables], losses, after)
            for variable, each in zip(variables, state, strict=True):
                variable.assign(each)
            return weights

        return step
    return one_step


@every
def test_reference(name, rng):
    """Compiled; the other tests run as written, and compare with such runs."""
    data = epochs(rng)
    reference, expected = REFERENCES[name](), []
    for epoch in data.astype(float):
        for losses, after in epoch:
            expected.append(np.where(losses > 0, reference.weigh(losses), 0))
            reference.after(after)
        reference.end_epoch()
    method = watched(name)
    found = run(method, data, compiled(method))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    assert np.ptp(found[found > 0]) > 0.1 and int(value(method.steps)) == 9


@pytest.mark.parametrize("name", [name for name in METHODS if "rlw" not in name])
def test_order_of_tasks(name, rng):
    data, order = epochs(rng), np.array([2, 0, 3, 1])
    plain = run(watched(name), data)
    other = run(watched(name, [TASKS[place] for place in order]), data[..., order])
    np.testing.assert_allclose(other, plain[:, order], rtol=1e-5, atol=1e-6)


def of_tasks(method):
    """What is known of each task: a dict from place and name to an array (…, T)."""
    return {
        (place, variable.name): value(variable)
        for place, variable in enumerate(method.variables)
        if variable.shape[-1:] == (len(method.tasks),)
        # Of the last step alone.
        and variable.name not in ("in_effect", "losses_before")
    }


@every
def test_no_label_no_change(name, rng):
    """Neither of what is known of the task itself, nor of what all others get, now and later."""
    method, other = watched(name), watched(name)
    data = epochs(rng, missing=0)
    for each in (method, other):
        run(each, data[:2])
    before = of_tasks(method)
    losses, after = data[2, 0]
    unlabelled = losses * [1, 1, 0, 1], after * [1, 1, 0, 1]
    weights = value(one_step(method, *unlabelled))
    method.end_epoch()
    assert before or name in ("geometric", "fixed")
    for key, values in of_tasks(method).items():
        np.testing.assert_array_equal(values[..., 2], before[key][..., 2], key[1])
    if name.endswith(OF_ALL):
        expected = value(one_step(other, losses, after))
        kept = [0, 1, 3]
        np.testing.assert_array_equal(weights[kept], expected[kept])
        other.end_epoch()
        for key, values in of_tasks(other).items():
            np.testing.assert_array_equal(values[..., kept], of_tasks(method)[key][..., kept])


@pytest.mark.parametrize("name", [name for name in METHODS if not name.endswith(("rlw", "d dwa"))])
def test_task_that_never_has_a_label(name, rng):
    """The others are weighted as without it, but for their sum where that is of all tasks."""
    data, kept = epochs(rng, missing=0), [0, 1, 3]
    data[..., 2] = 0
    names = [TASKS[place] for place in kept]
    with_it, without = watched(name), watched(name, names)
    with_it, without = run(with_it, data)[:, kept], run(without, data[..., kept])
    if name == "dwa":
        with_it, without = (x / x.sum(1, keepdims=True) for x in (with_it, without))
    np.testing.assert_allclose(with_it, without, rtol=1e-5, atol=1e-6)


SCALES = np.array([1e-3, 1.0, 30.0, 1e4], "float32")


@pytest.mark.parametrize("name", ["dwa", "geometric", "tchebycheff", "famo", "smoothed dwa"])
def test_scales_of_losses(name, rng):
    """A step is as it was, for all scales of the losses, but for one factor on all of it."""
    data = epochs(rng)
    plain, scaled = run(watched(name), data), run(watched(name), data * SCALES)
    if "dwa" not in name:  # Weights of losses whose gradients are larger, too.
        scaled = scaled * SCALES
    if name in ("geometric", "famo"):
        plain, scaled = (x / x.sum(1, keepdims=True) for x in (plain, scaled))
    np.testing.assert_allclose(scaled, plain, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("name", [name for name in METHODS if "fixed" not in name])
def test_extreme_losses(name, count):
    method = watched(name, TASKS[:count])
    sides = np.where(np.arange(count) % 2, 1e6, 1e-6)
    for losses in (np.full(count, 1e-3), sides, 1 / sides, np.full(count, 1e-6), np.zeros(count)):
        losses = losses.astype("float32")
        for after in (losses, losses[::-1]):
            weights = value(one_step(method, losses, after))
            # Of losses that are so far apart, a softmax may be 0 of some.
            assert np.isfinite(weights).all() and (weights >= 0).all(), losses[:2]
            assert not losses.any() or (weights[losses > 0] > 0).any()
        method.end_epoch()
    assert all(np.isfinite(value(variable)).all() for variable in method.variables)


@pytest.mark.parametrize("count", [1, 2, 10, 40])
def test_geometric_mean_of_many(count):
    weights = value(GeometricMean()(np.full(count, 1e-3)))
    np.testing.assert_allclose(weights, 1, rtol=1e-5)


@pytest.mark.parametrize("name", SINGLE)
def test_alone(name):
    """A single task is trained as it is, unless the method changes what it minimises."""
    weight = value(watched(name, ["depth"] if name != "fixed" else TASKS)(np.full(1, 4.0)))[0]
    expected = {"uncertainty": 0.5, "tchebycheff": 0.25, "fixed": 0.5}
    assert weight == pytest.approx(expected.get(name, 1.0))


@every
def test_refused_loss(name):
    """The task is left out of the step, and all else is as without a label."""
    method, other = watched(name), watched(name)
    assert method.needs_positive is not name.endswith(("rlw", "fixed"))
    for fault in (np.nan, np.inf, -1.0 if method.needs_positive else -np.inf):
        losses = np.array([0.1, 2.0, fault, 3.0], "float32")
        found = value(one_step(method, losses, losses))
        losses[2] = 0
        expected = value(one_step(other, losses, losses))
        assert found[2] == 0
        np.testing.assert_array_equal(found[[0, 1, 3]], expected[[0, 1, 3]])
        for each in (method, other):
            each.end_epoch()
    for key, values in of_tasks(method).items():
        if key[1] != "faults":
            np.testing.assert_array_equal(values, of_tasks(other)[key])


@every
def test_config(name, rng):
    data, method = epochs(rng), watched(name)
    expected = run(method, data)
    config = keras.saving.serialize_keras_object(method)
    json.dumps(config["config"])
    copy = type(method).from_config(json.loads(json.dumps(method.get_config())))
    assert copy.get_config() == method.get_config()
    np.testing.assert_allclose(run(watched(copy), data), expected, rtol=1e-6)


class Holder(keras.Model):
    def __init__(self, method):
        super().__init__()
        self.method = method
        self.built = True


@every
def test_state_survives(name, rng, tmp_path):
    data, method, other = epochs(rng), watched(name), watched(name)
    third = watched(name)
    run(method, data[:2])
    Holder(method).save_weights(tmp_path / "state.weights.h5")
    Holder(other).load_weights(tmp_path / "state.weights.h5")
    for old, new in zip(method.variables, third.variables, strict=True):
        new.assign(old)
    expected = run(method, data[2:])
    np.testing.assert_array_equal(run(third, data[2:]), expected)
    np.testing.assert_array_equal(run(other, data[2:]), expected)
    assert not method.trainable_variables


@pytest.mark.parametrize(
    "argument, make",
    [
        ("learning_rate", lambda: Uncertainty(0.0)),
        ("start", lambda: Uncertainty(start=float("nan"))),
        ("learning_rate", lambda: IMTLLoss("fast")),
        ("start", lambda: IMTLLoss(start=None)),
        ("temperature", lambda: DynamicWeightAverage(-1)),
        ("seed", lambda: RandomLossWeighting(1.5)),
        ("mu", lambda: SmoothTchebycheff(0)),
        ("warm_up", lambda: SmoothTchebycheff(warm_up=-1)),
        ("warm_up", lambda: SmoothTchebycheff(warm_up=1.5)),
        ("learning_rate", lambda: FAMO(True)),
        ("decay", lambda: FAMO(decay=-1e-3)),
        ("on_nan", lambda: GeometricMean(on_nan="stop")),
        ("weights", lambda: FixedWeights([1.0, 2.0])),
        ("weights", lambda: FixedWeights({1: 1.0})),
        (r"weights\['a'\]", lambda: FixedWeights({"a": -1.0})),
        (r"weights\['a'\]", lambda: FixedWeights({"a": float("inf")})),
        (r"weights\['a'\]", lambda: FixedWeights({"a": "1"})),
        ("weights", lambda: watched(FixedWeights({"a": 1.0, "depth": 1.0}))),
        ("alpha", lambda: Smoothed(GeometricMean(), 1.0)),
        ("alpha", lambda: Smoothed(GeometricMean(), -0.1)),
        ("method", lambda: Smoothed("famo")),
        ("method", lambda: Smoothed(METHODS["smoothed rlw"]())),
        ("method", lambda: Smoothed(watched("famo"))),
    ],
)
def test_wrong_arguments(argument, make):
    with pytest.raises(ValueError, match=rf"`{argument}` must .*Received: "):
        make()


def test_unknown_tasks_are_named():
    with pytest.raises(ValueError, match=r"depth.*Received: \['a', 'b'\]"):
        FixedWeights({"b": 1.0, "a": 1.0}).watch(TASKS)


def test_late_task_has_its_first_loss_as_nadir():
    method = watched(SmoothTchebycheff(warm_up=0), ["depth", "edges"])
    method(np.array([2.0, 0.0]))
    method.end_epoch()
    np.testing.assert_allclose(value(method(np.array([2.0, 5.0]))), [0.5, 0.2], rtol=1e-6)
    # A nadir of 2 and of 5, by which only the second is better now.
    found = value(method(np.array([2.0, 0.5])))
    np.testing.assert_allclose(found, [2 / 1.1 / 2, 2 * 0.1 / 1.1 / 0.5], rtol=1e-6)


def test_famo_raises_what_falls_slowly():
    method = watched(FAMO(), ["depth", "edges"])
    for _ in range(50):
        weights = one_step(method, np.array([1.0, 1.0]), np.array([0.5, 0.99]))
    assert value(weights)[1] > 1.5


def test_draws_differ():
    method = watched("rlw")
    found = np.array([value(method(np.ones(4))) for _ in range(50)])
    assert len(np.unique(found[:, 0])) == 50
    np.testing.assert_allclose(found.sum(1), 4, rtol=1e-5)


@keras.saving.register_keras_serializable("tests")
class ByNorm(GradientBalancing):
    """Weights 2 over the norm."""

    def weigh(self, seen):
        return 2.0 / seen.norms


def test_smoothed_gradients():
    inner = ByNorm("features", every=3, conflicts=True, on_nan="error")
    method = Smoothed(inner, alpha=0.5)
    assert (method.at, method.every, method.conflicts) == ("features", 3, True)
    assert (method.on_nan, method.weighs_heads, method.weighs_alone) == ("error", False, False)
    copy = Smoothed.from_config(method.get_config())
    assert copy.get_config() == method.get_config() and copy.method.every == 3
    method.watch(["depth", "edges", "normals"])

    def weights(norms):
        return value(method(np.ones(3), np.diag(np.square(norms)))).tolist()

    assert weights([2.0, 1.0, 4.0]) == [1.0, 1.5, 0.75]
    # One without a say has 1 for now, and so has the last that has one; the averages stay.
    assert weights([2.0, 1.0, 0.0]) == [1.0, 1.75, 1.0]
    assert weights([0.0, 1.0, 0.0]) == [1.0, 1.0, 1.0]
    assert weights([2.0, 1.0, 4.0]) == [1.0, 1.875, 0.625]


def test_smoothed_is_as_the_other():
    method = Smoothed(FAMO())
    assert method.needs_positive and method.needs_losses_after and method.weighs_heads
    method.watch(TASKS)
    names = [metric.name for metric in Holder(method).metrics]
    assert len(names) == len(set(names))
    assert isinstance(method.method, LossBalancing) and method.method.built
