"""Ways of balancing that look at gradients, against NumPy and TorchJD, and what they promise."""

import keras
import numpy as np
import pytest
from balancing.balancing_cases import CASES, jacobian_of, weigher
from keras import ops

from keras_mtl import balancing
from keras_mtl.balancing import GradientBalancing

EAGER = keras.backend.backend() == "torch"
# What is compiled is compiled for each number of tasks.
SIZES = (2, 3, 5, 10) if EAGER else (3, 10)
KINDS = ("random", "conflicting", "scaled")

every_method = pytest.mark.parametrize("name", CASES)


def promising(**promises):
    return pytest.mark.parametrize(
        "name",
        [
            name
            for name, case in CASES.items()
            if all(getattr(case, key) == value for key, value in promises.items())
        ],
    )


def assert_same(jacobian, found, expected, tolerance=1e-5):
    """The same weights, and the same direction."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())
    miss = np.linalg.norm((found - expected) @ jacobian)
    assert miss <= tolerance * np.linalg.norm(expected @ jacobian)


def test_all_are_in_the_table():
    methods = {
        name
        for name in balancing.__all__
        if issubclass(getattr(balancing, name), GradientBalancing)
    }
    assert methods - {"GradientBalancing", "GradDrop"} == {name.split("-")[0] for name in CASES}


@every_method
@pytest.mark.parametrize("count", SIZES)
def test_weights_are_those_of_the_formula(name, count, rng):
    for kind in KINDS:
        method, reference = weigher(name, count), CASES[name].reference()
        for _ in range(3):
            losses = rng.uniform(0.5, 2, count)
            jacobian = jacobian_of(rng, kind, count)
            assert_same(jacobian, method(jacobian, losses), reference(jacobian, losses))


# What all promise


def unchanged_by(name):
    """How many tasks there may be before the order that is drawn matters."""
    return 2 if CASES[name].drawn else 3


@every_method
def test_the_order_of_tasks_does_not_matter(name, rng):
    count = unchanged_by(name)
    order, method = rng.permutation(3)[::-1] if count == 3 else np.array([1, 0]), None
    jacobians = [jacobian_of(rng, "conflicting", count) for _ in range(3)]
    losses = rng.uniform(0.5, 2, (3, count))
    method = weigher(name, count)
    expected = [method(*each) for each in zip(jacobians, losses, strict=True)]
    method = weigher(name, count)
    for jacobian, loss, weights in zip(jacobians, losses, expected, strict=True):
        found = method(jacobian[order], loss[order])
        assert_same(jacobian[order], found, weights[order], 1e-4)


@every_method
def test_a_task_without_gradient_changes_nothing_for_the_others(name, rng):
    few, places = unchanged_by(name), [2, 5, 9]
    alone, among = weigher(name, 3), weigher(name, 10)
    for _ in range(3):
        small, losses = jacobian_of(rng, "conflicting", 3, columns=32), rng.uniform(0.5, 2, 3)
        small[few:] = 0
        large, all_losses = np.zeros((10, 32)), np.ones(10)
        large[places], all_losses[places] = small, losses
        expected, found = alone(small, losses), among(large, all_losses)
        assert_same(small[:few], found[places[:few]], expected[:few], 2e-5)
        np.testing.assert_array_equal(np.delete(found, places[:few]), 1)


@every_method
def test_a_task_that_is_alone(name, rng):
    jacobian = np.zeros((3, 8))
    jacobian[1] = rng.normal(size=8)
    norm = np.linalg.norm(jacobian[1])
    weights = weigher(name, 3)(jacobian, np.array([1, 0.7, 1]))
    np.testing.assert_allclose(weights, [1, CASES[name].alone(norm, 0.7), 1], rtol=2e-6)


@every_method
@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_the_scale_of_the_gradients(name, scale, rng):
    jacobian, losses = jacobian_of(rng, "conflicting", 3), rng.uniform(0.5, 2, 3)
    expected = weigher(name, 3)(jacobian, losses) * scale ** CASES[name].degree
    assert_same(jacobian, weigher(name, 3)(scale * jacobian, losses), expected, 2e-5)


def worst_rise(jacobian, weights):
    """The least cosine of a gradient with the direction, which is below 0 if a loss rises."""
    direction = weights @ jacobian
    norms = np.linalg.norm(jacobian, axis=1) * np.linalg.norm(direction)
    return np.min(jacobian @ direction / norms)


@promising(no_conflict=True)
@pytest.mark.parametrize("count", [3, 10])
def test_no_loss_rises(name, count, rng):
    conflicts = 0
    for _ in range(10):
        jacobian = jacobian_of(rng, "conflicting", count) * np.exp(rng.normal(size=(count, 1)))
        conflicts += worst_rise(jacobian, np.ones(count)) < -0.1
        assert worst_rise(jacobian, weigher(name, count)(jacobian)) > -1e-4
    assert conflicts > 5


def opposite(rng, count):
    return np.outer((-1.0) ** np.arange(count), rng.normal(size=8))


HARD = {
    "none": lambda rng, count: np.zeros((count, 8)),
    "one is zero": lambda rng, count: np.eye(count, 12)[:, ::-1] * (np.arange(count) != 1)[:, None],
    "equal": lambda rng, count: np.tile(rng.normal(size=8), (count, 1)),
    "parallel": lambda rng, count: np.outer(2.0 ** np.arange(count), rng.normal(size=8)),
    "opposite": opposite,
    "opposite and others": lambda rng, count: np.vstack([opposite(rng, 2), np.eye(8)])[:count],
    "in a plane": lambda rng, count: rng.normal(size=(count, 2)),
    "twins": lambda rng, count: np.repeat(rng.normal(size=(5, 8)), 2, axis=0)[:count],
    "sum to zero": lambda rng, count: (lambda x: x - x.mean(0))(rng.normal(size=(count, 12))),
    "widely scaled": lambda rng, count: (
        10.0 ** -np.linspace(0, 5, count)[:, None] * rng.normal(size=(count, 32))
    ),
}


@every_method
@pytest.mark.parametrize("count", (1, 2, 10) if EAGER else SIZES)
def test_hard_gradients_have_finite_weights(name, count, rng):
    for kind, make in HARD.items():
        jacobian = make(rng, count)
        weights = weigher(name, count)(jacobian)
        assert np.isfinite(weights).all(), kind
        norms = np.linalg.norm(jacobian, axis=1)
        # Of what a task would move at a weight of 1, or at that it has if it is alone.
        alone = np.array([CASES[name].alone(norm, 1.0) if norm else 1.0 for norm in norms])
        moves = np.abs(weights) * norms / max(np.max(alone * norms), 1e-30)
        assert moves.max() < 1e6, kind


@every_method
def test_equal_gradients_have_equal_weights(name, rng):
    for sign in (1, -1):
        jacobian = np.zeros((3, 8))
        jacobian[0] = rng.normal(size=8)
        jacobian[2] = sign * jacobian[0]
        first, _, last = weigher(name, 3)(jacobian)
        assert first == pytest.approx(last, rel=0.01, abs=1e-5)


@every_method
def test_configuration(name, rng):
    method = CASES[name].make()
    # An own argument is given again: `partial` has it.
    other = type(method)(**{**method.get_config(), "every": 3, "at": "features", "name": "mine"})
    for each in (method, other):
        again = type(each).from_config(each.get_config())
        assert again.get_config() == each.get_config()
        same = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(each))
        assert type(same) is type(each) and same.get_config() == each.get_config()
    assert (other.every, other.at, other.name) == (3, "features", "mine")


@every_method
def test_where_gradients_are_taken(name):
    at_features = name in ("MGDA", "IMTLGrad", "GradNorm")
    assert CASES[name].make().at == ("features" if at_features else "weights")


@pytest.mark.parametrize(
    "make, argument",
    [
        (lambda: balancing.CAGrad(0), "c"),
        (lambda: balancing.FairGrad(0.0), "alpha"),
        (lambda: balancing.FairGrad("1"), "alpha"),
        (lambda: balancing.GradNorm(alpha=-1), "alpha"),
        (lambda: balancing.GradNorm(learning_rate=0), "learning_rate"),
        (lambda: balancing.GradVac(beta=1), "beta"),
        (lambda: balancing.GradVac(seed=0.5), "seed"),
        (lambda: balancing.PCGrad(seed=-1), "seed"),
        (lambda: balancing.MGDA(at="heads"), "at"),
    ],
)
def test_arguments_are_checked(make, argument):
    with pytest.raises(ValueError, match=rf"`{argument}` must be .*Received: {argument}="):
        make()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="XLA of TensorFlow")
@pytest.mark.parametrize("name", ["UPGrad", "CAGrad", "NashMTL", "AlignedMTL", "IMTLGrad"])
def test_xla_of_tensorflow(name, rng):
    import tensorflow as tf

    method = CASES[name].make()
    method.watch(["a", "b", "c"])
    jacobian = jacobian_of(rng, "conflicting", 3)
    seen = [ops.convert_to_tensor(x, "float32") for x in (np.ones(3), jacobian @ jacobian.T)]
    compiled = tf.function(lambda *seen: method(*seen), jit_compile=True)
    assert_same(jacobian, compiled(*seen).numpy(), weigher(name, 3)(jacobian), 2e-5)


# What single ones do


@promising(drawn=True)
def test_draws_go_on_where_they_were_saved(name, rng):
    jacobians = [jacobian_of(rng, "conflicting", 10) for _ in range(4)]
    method, store = weigher(name, 10), {}
    for jacobian in jacobians[:2]:
        method(jacobian)
    method.method.save_own_variables(store)
    store = {key: np.array(value) for key, value in store.items()}
    expected = [method(jacobian) for jacobian in jacobians[2:]]
    again = weigher(name, 10)
    again.method.load_own_variables(store)
    found = [again(jacobian) for jacobian in jacobians[2:]]
    np.testing.assert_array_equal(found, expected)
    assert np.abs(found[0] - weigher(name, 10)(jacobians[2])).max() > 1e-3


def test_pcgrad_draws_an_order_for_each_task_and_step(rng):
    jacobian = jacobian_of(rng, "conflicting", 10)
    method = weigher("PCGrad", 10)
    drawn = np.array([method(jacobian) for _ in range(10)])
    assert len({tuple(weights) for weights in drawn.round(4)}) == 10


def test_gradvac_keeps_what_it_knows_of_a_task_that_is_not_there(rng):
    method = weigher("GradVac", 3)
    average = method.method._average
    jacobian = jacobian_of(rng, "random", 3)
    method(jacobian)
    before = ops.convert_to_numpy(average)
    method(jacobian * np.array([[1], [0], [1]]))
    after = ops.convert_to_numpy(average)
    changed = [[False, False, True], [False] * 3, [True, False, False]]
    np.testing.assert_array_equal(before != after, changed)
    assert not np.diagonal(after).any()


def test_gradnorm_takes_the_first_loss_that_a_task_has(rng):
    method = weigher("GradNorm", 3)
    jacobian = np.eye(3)
    there = np.array([[1], [0], [1]])
    method(jacobian * there, np.array([2.0, 0, 4]))
    method(jacobian, np.array([1.0, 5, 4]))
    np.testing.assert_array_equal(ops.convert_to_numpy(method.method._first), [2, 5, 4])
    # The third has learned least, together with the second.
    method(jacobian, np.array([1.0, 5, 4]))
    weights = method(jacobian, np.array([1.0, 5, 4]))
    assert weights[0] < 1 < weights[2] and weights.sum() == pytest.approx(3)


def test_gradnorm_makes_norms_equal(rng):
    jacobian = np.diag([1.0, 2, 4])
    method = balancing.GradNorm(alpha=0, learning_rate=0.01)
    method.watch(["a", "b", "c"])
    seen = [ops.convert_to_tensor(x, "float32") for x in (np.ones(3), jacobian @ jacobian.T)]
    for _ in range(200 if EAGER else 60):
        weights = ops.convert_to_numpy(method(*seen))
    if EAGER:
        np.testing.assert_allclose(weights, [12 / 7, 6 / 7, 3 / 7], atol=0.05)
    assert weights.sum() == pytest.approx(3, rel=1e-5) and weights[0] > weights[1] > weights[2]


def test_imtl_turns_where_every_loss_would_rise(rng):
    turned = 0
    method = weigher("IMTLGrad", 3)
    for _ in range(300):
        jacobian = rng.normal(size=(3, 4)) * np.exp(1.5 * rng.normal(size=(3, 1)))
        norms = np.linalg.norm(jacobian, axis=1)
        plain = np.linalg.solve(jacobian @ jacobian.T, norms)
        if plain.sum() >= 0:
            continue
        turned += 1
        weights = method(jacobian)
        assert worst_rise(jacobian, plain / plain.sum()) < 0 < worst_rise(jacobian, weights)
        assert np.abs(weights).sum() == pytest.approx(3, rel=1e-4)
    assert turned > 2


@pytest.mark.parametrize("seed", [18, 29, 32, 47, 65])
def test_cagrad_of_gradients_that_oppose_each_other(seed):
    # Here an interior point that takes what the weights are worth for linear gets stuck.
    rng = np.random.default_rng(seed)
    jacobian = rng.normal(size=(5, 16))
    jacobian += 3 * rng.normal(size=(1, 16)) * rng.choice([-1, 1], size=(5, 1))
    jacobian *= np.exp(rng.normal(size=(5, 1)))
    expected = CASES["CAGrad"].reference()(jacobian, None)
    among, losses = np.zeros((10, 16)), np.ones(10)
    among[:5] = jacobian
    assert_same(jacobian, weigher("CAGrad", 10)(among, losses)[:5], expected)


def test_cagrad_is_within_its_ball(rng):
    for kind in KINDS:
        jacobian = jacobian_of(rng, kind, 10)
        total = jacobian.sum(0)
        far = np.linalg.norm(weigher("CAGrad", 10)(jacobian) @ jacobian * 1.25 - total)
        assert far == pytest.approx(0.5 * np.linalg.norm(total), rel=1e-4)


def test_aligned_mtl_of_a_gradient_that_is_far_shorter(rng):
    jacobian = jacobian_of(rng, "random", 3)
    jacobian[1] *= 1e-4
    expected = CASES["AlignedMTL"].reference()(jacobian, None)
    assert_same(jacobian, weigher("AlignedMTL", 3)(jacobian), expected, 2e-3)


# TorchJD computes the same, in other units, and with tolerances of its own


TORCHJD = {
    # Its name, arguments, what must be installed beside it, whether it is a mean, a tolerance.
    "MGDA": ("MGDA", (1e-9, 5_000), (), True, 1e-2),
    "UPGrad": ("UPGrad", (), ("qpsolvers", "quadprog"), True, 1e-5),
    "DualProjection": ("DualProj", (), ("qpsolvers", "quadprog"), True, 1e-5),
    "CAGrad": ("CAGrad", (0.5,), ("cvxpy", "clarabel"), True, 1e-3),
    "CAGrad-1": ("CAGrad", (1.0,), ("cvxpy", "clarabel"), True, 1e-3),
    "IMTLGrad": ("IMTLG", (), (), True, 1e-5),
    "AlignedMTL": ("AlignedMTL", (), (), True, 1e-5),
    "ConFIG": ("ConFIG", (), (), False, 1e-5),
    "NashMTL": ("FairGrad", (1.0,), (), False, 1e-5),
    "FairGrad-0.5": ("FairGrad", (0.5,), (), False, 1e-5),
    "FairGrad-2": ("FairGrad", (2.0,), (), False, 1e-5),
    "PCGrad": ("PCGrad", (), (), False, 1e-5),
    "GradVac": ("GradVac", (0.4,), (), False, 1e-5),
}


@pytest.mark.one_backend
@pytest.mark.parametrize("name", TORCHJD)
def test_directions_are_those_of_torchjd(name, rng):
    aggregation = pytest.importorskip("torchjd.aggregation")
    theirs, arguments, needs, is_mean, tolerance = TORCHJD[name]
    for package in needs:
        pytest.importorskip(package)
    if "quadprog" in needs:
        from torchjd.linalg import QuadprogProjector

        # Its own tolerances of 1e-4 are an error of a thousandth.
        arguments = (None, QuadprogProjector(norm_eps=1e-9, reg_eps=1e-9))
    import torch

    # The order that is drawn there is another one.
    for count in (2,) if CASES[name].drawn else (2, 5):
        method, other = weigher(name, count), getattr(aggregation, theirs)(*arguments)
        for kind in KINDS:
            # Two steps, for the state.
            for _ in range(2):
                jacobian = jacobian_of(rng, kind, count)
                expected = other(torch.tensor(jacobian)).numpy() * (count if is_mean else 1)
                weights = method(jacobian)
                if name == "CAGrad":
                    weights = weights * (1 + 0.5**2)
                miss = np.linalg.norm(weights @ jacobian - expected)
                assert miss <= tolerance * np.linalg.norm(expected)
