"""The policy against NumPy: its draws, its gradients and its losses."""

import itertools

import keras
import numpy as np
import pytest
import scipy.stats
from keras import ops

from keras_mtl.layers import SkipPolicy

TASKS, BLOCKS = ["age", "kind", "pose"], ["one", "two", "three", "four"]
ANY = np.ones((2, 5), "float32")  # the values of the input do not matter


def policy_of(logits, temperature=1.0, active=None, **options):
    """A built policy; its tasks and blocks are counted off the logits."""
    logits = np.asarray(logits, "float32")
    names = ([f"{kind}{i}" for i in range(n)] for kind, n in zip("tb", logits.shape, strict=False))
    policy = SkipPolicy(*names, temperature=temperature, **options)
    policy.build(ANY.shape)
    policy.logits.assign(logits)
    if active is not None:
        policy.active_blocks.assign(active)
    return policy


def value(tensor):
    return ops.convert_to_numpy(tensor)


def drawn(policy, **options):
    return value(policy(ANY, training=True, **options))


# The same in NumPy, in double precision


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def expected_draw(logits, noise, temperature, active):
    weights = softmax((logits.astype(float) + noise) / temperature)[..., 0]
    return np.where(np.arange(weights.shape[1]) >= weights.shape[1] - active, weights, 1.0)


def expected_losses(logits, active, form):
    """Sparsity and sharing, each term by itself."""
    tasks, count, _ = logits.shape
    probabilities = softmax(logits.astype(float))
    blocks = range(count - active, count)
    sparsity = sharing = 0.0
    for task in range(tasks):
        if form == "code":
            terms = [-np.log(probabilities[task, block, 1]) for block in blocks]
            sparsity += sum(terms) / max(len(terms), 1)
        else:
            sparsity += sum(np.log(probabilities[task, block, 0]) for block in blocks)
    for one, other in itertools.combinations(range(tasks), 2):
        for block in blocks:
            if form == "code":
                difference = logits[one, block, 0] - logits[other, block, 0]
                sharing += (block + 1) / count * abs(difference)
            else:
                difference = probabilities[one, block, 0] - probabilities[other, block, 0]
                sharing += (count - block) / count * abs(difference)
    return sparsity, sharing


# Draws


@pytest.mark.parametrize("hard", [False, True])
def test_a_draw_is_the_gumbel_softmax(rng, hard):
    logits, noise = rng.normal(size=(3, 4, 2)), rng.gumbel(size=(3, 4, 2))
    policy = policy_of(logits, hard=hard)
    for temperature, active in itertools.product((0.3, 1.0, 5.0), range(5)):
        policy.temperature.assign(temperature)
        policy.active_blocks.assign(active)
        expected = expected_draw(logits, noise, temperature, active)
        found = drawn(policy, noise=noise.astype("float32"))
        if hard:
            np.testing.assert_array_equal(found, expected >= 0.5)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_noise_is_gumbel_and_all_draws_are_independent():
    """The difference of two Gumbel variables is logistic."""
    logits = np.zeros((2, 2000, 2), "float32")
    logits[..., 0] = 0.7
    policy = policy_of(logits, temperature=2.0, seed=1)
    first, second = drawn(policy).astype(float), drawn(policy).astype(float)
    samples = [*first, *second]  # two tasks, two draws
    noise = [2.0 * np.log(draw / (1 - draw)) - 0.7 for draw in samples]
    for each in noise:
        assert scipy.stats.kstest(each, "logistic").pvalue > 1e-3
    for one, other in itertools.combinations(noise, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.1


def test_hard_draws_execute_with_the_probability_of_the_logits():
    logits = np.zeros((3, 4000, 2), "float32")
    logits[0, :, 0], logits[1, :, 1], logits[2, :, 0] = 1.0, 2.0, -0.3
    policy = policy_of(logits, temperature=5.0, hard=True, seed=2)
    draws = drawn(policy)
    assert set(np.unique(draws)) == {0.0, 1.0}
    expected = softmax(logits)[:, 0, 0]
    np.testing.assert_allclose(draws.mean(axis=1), expected, atol=0.03)  # four deviations
    np.testing.assert_allclose(value(policy.probabilities()).mean(axis=1), expected, rtol=1e-5)


def test_temperature_goes_from_one_hot_to_one_half(rng):
    logits, noise = rng.normal(size=(3, 4, 2)), rng.gumbel(size=(3, 4, 2)).astype("float32")
    policy = policy_of(logits, temperature=1e-5)
    np.testing.assert_array_equal(
        drawn(policy, noise=noise), (logits + noise)[..., 0] > (logits + noise)[..., 1]
    )
    assert np.isin(drawn(policy), [0, 1]).all()
    policy.temperature.assign(1e6)
    np.testing.assert_allclose(drawn(policy), 0.5, atol=1e-4)


def test_every_step_of_fit_draws_anew():
    image = keras.Input((5,))
    policy = SkipPolicy(["age", "kind"], ["one"], seed=3, name="skip_policy")
    model = keras.Model(image, policy(image))

    def age(y, p):
        return p[0]

    def kind(y, p):
        return p[1]

    model.compile(keras.optimizers.SGD(0.0), loss="mse", metrics=[age, kind])
    history = model.fit(ANY, np.ones((2, 1)), epochs=6, verbose=0).history  # a step an epoch
    assert len({*history["age"], *history["kind"]}) == 12


def test_equal_seeds_draw_alike():
    one, same, other = (policy_of(np.zeros((2, 50, 2)), seed=seed) for seed in (1, 1, 2))
    for _ in range(2):
        draw = drawn(one)
        np.testing.assert_array_equal(draw, drawn(same))
        assert (draw != drawn(other)).all()


# Gradients


@pytest.mark.parametrize("hard, form", [(False, "code"), (True, "paper")])
def test_gradients_are_those_of_the_soft_draw(rng, hard, form):
    """One SGD step of rate 1 moves the logits by minus their gradient, losses among it."""
    logits, noise = rng.normal(size=(3, 4, 2)).astype("float32"), rng.gumbel(size=(3, 4, 2))
    weights, active, temperature = rng.normal(size=(3, 4)), 2, 1.5
    policy = SkipPolicy(
        TASKS,
        BLOCKS,
        temperature=temperature,
        hard=hard,
        form=form,
        sparsity_weight=0.3,
        agreement_weight=0.2,
    )
    # The tasks take the place of the batch, so that `fit` can hand over the noise.
    symbolic = keras.Input(noise.shape[1:])
    model = keras.Model(symbolic, policy(symbolic, noise=symbolic))
    policy.logits.assign(logits)
    policy.active_blocks.assign(active)
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: ops.sum(p * y))
    found = model.fit(noise.astype("float32"), weights.astype("float32"), shuffle=False, verbose=0)

    def loss(logits, draw=lambda x: x):
        sparsity, sharing = expected_losses(logits, active, form)
        total = (weights * draw(expected_draw(logits, noise, temperature, active))).sum()
        return total + 0.3 * sparsity + 0.2 * sharing

    expected = loss(logits, (lambda x: x >= 0.5) if hard else lambda x: x)
    np.testing.assert_allclose(found.history["loss"], [expected], rtol=1e-4)
    numeric = np.zeros(logits.shape)
    for index in np.ndindex(logits.shape):
        step = np.zeros(logits.shape)
        step[index] = 1e-5
        numeric[index] = (loss(logits + step) - loss(logits - step)) / 2e-5
    moved = logits - value(policy.logits)
    np.testing.assert_allclose(moved, numeric, rtol=1e-4, atol=1e-5)
    assert (moved[:, :2] == 0).all() and (moved[:, 2:] != 0).all()


def test_noise_of_another_shape_is_refused():
    policy = SkipPolicy(["a", "b"], ["x", "y", "z"])
    for shape in ((2,), (3, 3, 2), (2, 3, 1)):
        with pytest.raises(
            ValueError, match=r"`noise` must have the shape of the logits, .2, 3, 2"
        ):
            policy(ANY, noise=np.zeros(shape, "float32"), training=True)


# Inference


def test_inference_executes_what_is_more_probable_and_ties():
    # The last two differ by less than a probability near one half can.
    logits = [[[0.5, 0.5], [2.0, 1.0], [1.0, 2.0], [-9.0, -9.0], [0.0, 1e-9], [1e-9, 0.0]]]
    policy = policy_of(logits)
    expected = [[1, 1, 0, 1, 0, 1]]
    np.testing.assert_array_equal(value(policy(ANY)), expected)
    np.testing.assert_array_equal(value(policy(ANY, training=False)), expected)
    assert policy.decisions().dtype == bool
    np.testing.assert_array_equal(policy.decisions(), expected)


@pytest.mark.parametrize("active", range(5))
def test_blocks_that_are_not_under_the_policy_are_executed(rng, active):
    logits = rng.normal(size=(3, 4, 2)) - [9.0, 0.0]  # all would be skipped
    for hard in (False, True):
        policy = policy_of(logits, active=active, hard=hard)
        assert (drawn(policy)[:, : 4 - active] == 1).all()
        assert (drawn(policy)[:, 4 - active :] < 1).all()
    np.testing.assert_array_equal(value(policy(ANY)), [[1] * (4 - active) + [0] * active] * 3)
    np.testing.assert_array_equal(policy.decisions(), value(policy(ANY)))
    expected = softmax(logits)[..., 0]
    expected[:, : 4 - active] = 1
    np.testing.assert_allclose(value(policy.probabilities()), expected, rtol=1e-4)
    assert all(policy.sample(seed)[:, : 4 - active].all() for seed in range(20))


def test_samples_are_of_the_probabilities():
    logits = np.zeros((2, 3000, 2))
    logits[0, :, 0], logits[1, :, 0] = 1.0, -2.0
    policy = policy_of(logits)
    sample = policy.sample(7)
    assert sample.dtype == bool and sample.shape == (2, 3000)
    np.testing.assert_allclose(sample.mean(axis=1), softmax(logits)[:, 0, 0], atol=0.04)
    np.testing.assert_array_equal(sample, policy.sample(7))
    assert (sample != policy.sample(8)).any()
    sure = policy_of([[[90.0, 0.0], [0.0, 90.0]]])
    assert all(sure.sample(seed).tolist() == [[True, False]] for seed in range(50))


# Losses


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("form", ["code", "paper"])
def test_losses(rng, form, training):
    logits = rng.normal(size=(3, 4, 2)).astype("float32")
    for active in range(5):
        sparsity, sharing = expected_losses(logits, active, form)
        for weights in (
            {"sparsity_weight": 0.5},
            {"agreement_weight": 2.0},
            {"sparsity_weight": 0.5, "agreement_weight": 2.0},
            {},
        ):
            policy = policy_of(logits, active=active, form=form, **weights)
            policy(ANY, training=training)
            assert len(policy.losses) == len(weights)
            expected = (
                weights.get("sparsity_weight", 0) * sparsity
                + weights.get("agreement_weight", 0) * sharing
            )
            found = sum(float(value(loss)) for loss in policy.losses)
            assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_losses_pull_where_the_paper_wants_them(rng):
    """Sparsity is less where more is skipped; sharing is none where tasks agree."""
    agreeing = np.repeat(rng.normal(size=(1, 4, 2)), 3, axis=0)
    for form in ("code", "paper"):
        sparsity = [expected_losses(agreeing + [step, 0], 4, form)[0] for step in (-1, 0, 1)]
        assert sparsity == sorted(sparsity)
        policy = policy_of(agreeing, form=form, agreement_weight=1.0)
        policy(ANY)
        # TensorFlow rounds equal values by their place in a vector register.
        np.testing.assert_allclose(value(policy.losses[0]), 0, atol=1e-6)
    alone = policy_of(agreeing[:1], agreement_weight=1.0)
    alone(ANY)
    assert not alone.losses


# The layer


def test_its_variables_start_where_they_are_told_to():
    policy = SkipPolicy(TASKS, BLOCKS, temperature=3.0)
    policy.build(ANY.shape)
    np.testing.assert_array_equal(value(policy.logits), 0.5)
    assert float(value(policy.temperature)) == 3.0 and int(value(policy.active_blocks)) == 4


@pytest.mark.parametrize("dtype", ["mixed_float16", "bfloat16"])
def test_precision_is_full_in_all_of_them(rng, dtype):
    policy = SkipPolicy(TASKS, BLOCKS, dtype=dtype, sparsity_weight=1.0)
    draw = policy(ANY.astype("float16"), training=True)
    kinds = [keras.backend.standardize_dtype(x.dtype) for x in (draw, *policy.losses)]
    kinds += [keras.backend.standardize_dtype(x.dtype) for x in policy.weights]
    assert kinds == ["float32"] * 4 + ["int32"]


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"tasks": []}, r"`tasks` must be a list of different names.*Received: \[\]"),
        ({"tasks": ["a", "a"]}, r"`tasks`.*\['a', 'a'\]"),
        ({"tasks": "age"}, "`tasks`"),
        ({"blocks": []}, "`blocks`"),
        ({"blocks": ["one", "two", "one"]}, "`blocks`.*one"),
        ({"temperature": 0}, "`temperature` must be positive.*0"),
        ({"temperature": -1.0}, "`temperature`.*-1"),
        ({"temperature": float("nan")}, "`temperature`.*nan"),
        ({"sparsity_weight": -0.1}, "`sparsity_weight` must be at least 0.*-0.1"),
        ({"agreement_weight": float("inf")}, "`agreement_weight`.*inf"),
        ({"form": "book"}, r"`form` must be one of \['code', 'paper'\].*'book'"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        SkipPolicy(**{"tasks": TASKS, "blocks": BLOCKS, **kwargs})
