import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_mtl.gradients._backend import of_backend
from keras_mtl.layers import CrossStitch
from keras_mtl.layers.cross_stitch import ONE_PRODUCT_FROM


def apply(unit, towers):
    return np.stack([ops.convert_to_numpy(x) for x in unit(list(towers))])


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("towers", [2, 3, 5, ONE_PRODUCT_FROM, 24])
def test_is_equation_1(rng, towers, per_channel):
    x = rng.normal(size=(towers, 2, 4, 3, 6)).astype("float32")
    unit = CrossStitch(per_channel=per_channel)
    unit.build([x.shape[1:]] * towers)
    alpha = rng.normal(size=unit.alpha.shape).astype("float32")
    unit.alpha.assign(alpha)
    weights = alpha if per_channel else np.repeat(alpha[..., None], 6, axis=-1)
    expected = np.einsum("ijc,jbhwc->ibhwc", weights, x)
    np.testing.assert_allclose(apply(unit, x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("per_channel", [True, False])
def test_identity_alphas_are_independent_towers(rng, per_channel):
    x = rng.normal(size=(3, 2, 5, 4)).astype("float32")
    unit = CrossStitch(per_channel=per_channel, alpha=(1.0, 0.0))
    np.testing.assert_array_equal(apply(unit, x), x)


@settings(deadline=None, max_examples=20)
@given(towers=st.integers(2, 6), same=st.floats(0, 1))
def test_convex_start_keeps_what_towers_agree_on(towers, same):
    x = np.linspace(-1, 1, 12, dtype="float32").reshape(1, 4, 3)
    out = apply(CrossStitch(alpha=(same, 1 - same)), np.stack([x] * towers))
    np.testing.assert_allclose(out, np.stack([x] * towers), atol=1e-6)


def test_permuting_the_towers_permutes_the_result(rng):
    x = rng.normal(size=(3, 2, 4)).astype("float32")
    unit = CrossStitch()
    np.testing.assert_allclose(apply(unit, x)[[2, 0, 1]], apply(unit, x[[2, 0, 1]]), atol=1e-6)


@pytest.mark.parametrize("axis", [1, 2, -1, -3])
def test_channel_axis(rng, axis):
    x = rng.normal(size=(2, 2, 5, 6, 7)).astype("float32")
    unit = CrossStitch(axis=axis)
    unit.build([x.shape[1:]] * 2)
    alpha = rng.normal(size=unit.alpha.shape).astype("float32")
    assert alpha.shape == (2, 2, x.shape[1:][axis])
    unit.alpha.assign(alpha)
    moved = np.moveaxis(x, axis if axis < 0 else axis + 1, -1)
    expected = np.einsum("ijc,jbhwc->ibhwc", alpha, moved)
    out = np.moveaxis(apply(unit, x), axis if axis < 0 else axis + 1, -1)
    np.testing.assert_allclose(out, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("axis", [1, 2, -1, -2])
def test_both_spellings_agree_and_so_do_their_gradients(rng, axis, per_channel):
    towers, shape = 4, (2, 3, 5)
    unit = CrossStitch(per_channel=per_channel, axis=axis)
    unit.build([shape] * towers)
    alpha, *x = (
        ops.convert_to_tensor(rng.normal(size=each).astype("float32"))
        for each in (unit.alpha.shape, *[shape] * towers)
    )
    given_back = [ops.convert_to_tensor(rng.normal(size=shape).astype("float32")) for _ in x]

    def found(spelling):
        def mixtures(primals):
            with keras.StatelessScope([(unit.alpha, primals[0])]):
                return spelling(primals[1:]), None

        made, _, pullback = of_backend().vjp(mixtures, [alpha, *x])
        return [ops.convert_to_numpy(each) for each in (*made, *pullback(given_back))]

    for one, other in zip(found(unit._by_pairs), found(unit._by_one_product), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("per_channel", [True, False])
def test_many_towers_of_unknown_sizes(rng, per_channel, axis):
    shape = [None, None, None]
    shape[axis] = 3
    names = [f"t{number:02}" for number in range(ONE_PRODUCT_FROM)]
    inputs = {name: keras.Input(shape[1:], name=name) for name in names}
    unit = CrossStitch(per_channel, axis=axis, dtype="mixed_bfloat16")
    model = keras.Model(inputs, unit(inputs))
    x = {name: rng.normal(size=(2, 3, 3)).astype("float32") for name in inputs}
    found = model.predict(x, verbose=0)
    mean = sum(x.values()) / len(x)
    for name in inputs:
        assert keras.backend.standardize_dtype(model.output[name].dtype) == "bfloat16"
        others = (mean * len(x) - x[name]) / (len(x) - 1)
        expected = 0.9 * x[name] + 0.1 * others
        np.testing.assert_allclose(
            np.asarray(found[name], "float32"), expected, rtol=0.03, atol=0.03
        )


def test_structures_come_back_as_they_went_in(rng):
    a, b = rng.normal(size=(2, 1, 4)).astype("float32")
    unit = CrossStitch(alpha=(1.0, 0.0))
    assert isinstance(unit([a, b]), list)
    assert isinstance(unit((a, b)), tuple)
    # Alphas belong to the sorted keys, whatever the order in which a backend hands them over.
    result = unit({"b": b, "a": a})
    np.testing.assert_array_equal(ops.convert_to_numpy(result["a"]), a)
    np.testing.assert_array_equal(ops.convert_to_numpy(result["b"]), b)


def test_gradients_agree_with_finite_differences(rng):
    """One SGD step of rate 1 moves a variable by minus its gradient."""
    x = rng.normal(size=(2, 1, 3)).astype("float32")
    inputs = [keras.Input((3,)) for _ in range(2)]
    unit = CrossStitch(name="unit")
    model = keras.Model(inputs, keras.layers.Concatenate()(unit(inputs)))
    weights = rng.normal(size=(1, 6)).astype("float32")
    # The weights come in as targets: what a loss closes over need not be on the right device.
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, p: ops.sum(ops.square(p) * y))
    alpha = ops.convert_to_numpy(unit.alpha).copy()

    def loss(alpha):
        out = np.einsum("ijc,jbc->bic", alpha.astype("float64"), x).reshape(1, 6)
        return (out**2 * weights).sum()

    numeric = np.zeros_like(alpha, "float64")
    for index in np.ndindex(alpha.shape):
        step = np.zeros_like(numeric)
        step[index] = 1e-4
        numeric[index] = (loss(alpha + step) - loss(alpha - step)) / 2e-4
    model.fit(list(x), weights, verbose=0)
    np.testing.assert_allclose(
        alpha - ops.convert_to_numpy(unit.alpha), numeric, rtol=1e-3, atol=1e-4
    )


def test_counts_of_the_paper():
    channels = {"pool1": 96, "pool2": 256, "pool5": 256, "fc6": 4096, "fc7": 4096}
    counts = {True: 0, False: 0}
    for per_channel in counts:
        for count in channels.values():
            unit = CrossStitch(per_channel=per_channel)
            unit.build([(None, 6, 6, count)] * 2)
            counts[per_channel] += unit.count_params()
    assert counts == {True: 35_200, False: 20}


def test_alphas_carry_their_rate_and_their_exemption_from_decay():
    unit = CrossStitch(learning_rate_multiplier=1000)
    unit.build([(None, 4)] * 2)
    assert unit.alpha.learning_rate_multiplier == 1000
    assert not hasattr(unit.alpha, "learning_rate_limit")
    assert unit.alpha.weight_decay_exempt
    unit = CrossStitch.from_config(CrossStitch().get_config())
    unit.build([(None, 4)] * 2)
    assert unit.learning_rate_multiplier is None
    assert (unit.alpha.learning_rate_multiplier, unit.alpha.learning_rate_limit) == (100, 0.1)


@pytest.mark.parametrize("alpha", [(1.5, -0.5), (0.9, 0.9)])
def test_warns_of_alphas_out_of_range(alpha):
    with pytest.warns(UserWarning, match="`alpha`"):
        CrossStitch(alpha=alpha)


@pytest.mark.parametrize(
    "alpha", [(0.9,), (float("nan"), 0.1), 0.9, (1, 2, 3), None, "ab", (0.9, "a")]
)
def test_refuses_what_is_no_pair(alpha):
    with pytest.raises(ValueError, match="`alpha` must be a pair"):
        CrossStitch(alpha=alpha)


@pytest.mark.parametrize("multiplier", [-1, float("inf"), float("nan"), "fast"])
def test_refuses_what_is_no_multiplier(multiplier):
    with pytest.raises(ValueError, match="`learning_rate_multiplier` must be a finite number"):
        CrossStitch(learning_rate_multiplier=multiplier)


def test_refuses_one_tower_unequal_shapes_and_unknown_channels():
    with pytest.raises(ValueError, match="at least two towers"):
        CrossStitch()([np.ones((1, 4))])
    with pytest.raises(ValueError, match="at least two towers"):
        CrossStitch()(np.ones((1, 4)))
    with pytest.raises(ValueError, match=r"one shape.*\(1, 4\), \(1, 5\)"):
        CrossStitch()([np.ones((1, 4)), np.ones((1, 5))])
    with pytest.raises(ValueError, match="known number of channels"):
        CrossStitch()([keras.Input((4, None)), keras.Input((4, None))])
    with pytest.raises(ValueError, match="`axis`"):
        CrossStitch(axis=3)([np.ones((1, 4)), np.ones((1, 4))])
