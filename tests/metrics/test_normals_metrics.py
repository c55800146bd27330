"""Angular metrics against NumPy: accuracy near zero, the histogram's bound, weights, codebooks."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.metrics import MeanAngularError, MedianAngularError, NormalsScores, WithinAngle

BOOK = NormalsCodebook.default()
BIN = MedianAngularError.BIN_WIDTH


def turned(degrees, seed=0):
    """Normals of shape (N, 1, 1, 3) and others that are `degrees` away from them, in float64."""
    degrees = np.asarray(degrees, "float64")
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(degrees.size, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    aside = np.cross(normals, rng.normal(size=normals.shape))
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    angle = np.deg2rad(degrees.ravel())[:, None]
    other = np.cos(angle) * normals + np.sin(angle) * aside
    return normals[:, None, None], other[:, None, None]


def metrics_of(codebook=None):
    return [
        MeanAngularError(codebook),
        MedianAngularError(codebook),
        *(WithinAngle(d, codebook) for d in (11.25, 22.5, 30)),
    ]


def bracket(degrees):
    """The angles between which a median lies."""
    return (
        np.quantile(degrees, 0.5, method="lower") - BIN,
        np.quantile(degrees, 0.5, method="higher") + BIN,
    )


@settings(max_examples=10, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    spread=st.sampled_from([0.5, 20, 170]),
    count=st.integers(1, 400),
)
def test_equal_numpy_however_the_batches_are_cut(seed, spread, count):
    degrees = np.random.default_rng(seed).random(count) * spread
    true, predicted = turned(degrees, seed)
    # One shape, for JAX compiles each anew; what is added has no normal.
    true, predicted = (np.resize(x, (400, 1, 1, 3)) for x in (true, predicted))
    true[count:] = 0
    order = np.random.default_rng(seed).permutation(400)
    true, predicted = true[order], predicted[order]
    whole, parts = metrics_of(), metrics_of()
    for metric in whole:
        metric.update_state(true, predicted)
    for metric in parts:
        for cut in (slice(None, 200), slice(200, None)):
            metric.update_state(true[cut], predicted[cut])
    got = [float(metric.result()) for metric in whole]
    np.testing.assert_allclose([float(m.result()) for m in parts], got, rtol=1e-5)
    assert got[0] == pytest.approx(degrees.mean(), rel=1e-4, abs=1e-4)
    low, high = bracket(degrees)
    assert low <= got[1] <= high
    # Degrees drawn at random are not as close to a threshold as float32 can tell.
    assert got[2:] == pytest.approx([(degrees < d).mean() for d in (11.25, 22.5, 30)])
    together = NormalsScores()
    scores = together(true, predicted)
    assert [float(scores[f"normals_{m.name}"]) for m in whole] == got


@pytest.mark.parametrize("degrees", [0, 1e-4, 1e-2, 0.5, 45, 90, 179.5, 180])
def test_angles_are_accurate_from_zero_to_opposite(degrees):
    true, predicted = turned(np.full(4, degrees))
    # An arc cosine in float32 would give 0 or 0.028 for 0.01 degrees.
    mean = float(MeanAngularError()(true, 3 * predicted))
    assert mean == pytest.approx(degrees, rel=1e-4, abs=2e-5)


def test_pixels_without_a_normal_are_left_out():
    true, predicted = turned([10, 20, 60, 70])
    for invalid in (0, np.nan):
        true[2:] = invalid
        for metric, expected in zip(metrics_of(), [15, None, 0.5, 1, 1], strict=True):
            result = float(metric(true, predicted))
            assert expected is None or result == pytest.approx(expected, rel=1e-5)
    assert 10 - BIN <= float(MedianAngularError()(true, predicted)) <= 20 + BIN


def test_no_direction_is_not_the_right_one():
    true, predicted = turned([0] * 4)
    assert float(MeanAngularError()(true, 0 * predicted)) == 90
    assert float(WithinAngle(30)(true, 0 * predicted)) == 0
    assert np.isnan(float(MeanAngularError()(true, np.nan * predicted)))
    assert float(MedianAngularError()(true, np.nan * predicted)) > 180 - BIN
    assert float(WithinAngle(180)(true, np.nan * predicted)) == 0


def test_nothing_counted_is_nan_and_reset_forgets():
    true, predicted = turned([5, 25, 40, 50])
    for metric in metrics_of():
        assert np.isnan(float(metric.result()))
        first = float(metric(true, predicted))
        metric.reset_state()
        assert np.isnan(float(metric(0 * true, predicted)))
        assert float(metric(true, predicted)) == first
    scores = NormalsScores()
    scores.update_state(true, predicted)
    scores.reset_state()
    assert all(np.isnan(float(value)) for value in scores.result().values())


def test_weights_count():
    true, predicted = turned([5, 15, 25, 100])
    weights = np.array([3, 0.5, 0, 1])
    mean, median, within, *_ = metrics_of()
    assert float(mean(true, predicted, weights)) == pytest.approx(122.5 / 4.5, rel=1e-5)
    assert float(median(true, predicted, weights.reshape(4, 1, 1))) == pytest.approx(5, abs=BIN)
    assert float(within(true, predicted, weights.reshape(4, 1, 1, 1))) == pytest.approx(3 / 4.5)
    with pytest.raises(ValueError, match="`sample_weight`"):
        mean.update_state(true, predicted, np.ones(3))


def test_codebook_decodes_logits():
    rng = np.random.default_rng(0)
    logits = 3 * rng.normal(size=(4, 1, 1, 20)).astype("float32")
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    decoded = ops.convert_to_numpy(BOOK.decode(probabilities.astype("float32")))
    true = rng.normal(size=(4, 1, 1, 3))
    true /= np.linalg.norm(true, axis=-1, keepdims=True)
    for coded, plain in zip(metrics_of(BOOK), metrics_of(), strict=True):
        assert float(coded(true, logits)) == pytest.approx(float(plain(true, decoded)), rel=1e-4)


def test_long_runs_lose_nothing():
    # Past 2^24 pixels, one float32 no longer counts single ones.
    within, mean, median = WithinAngle(30), MeanAngularError(), MedianAngularError()
    many = ops.convert_to_tensor(2.0**24, dtype="float32")
    within._mean.total.add(many)
    within._mean.weight.add(many)
    mean._mean.weight.add(many)
    true, predicted = turned([90] * 4)
    for _ in range(5):
        for metric in (within, mean, median):
            metric.update_state(true, predicted)
    assert within._mean.weight.exact() == mean._mean.weight.exact() == 2**24 + 20
    assert within._mean.total.exact() == 2**24
    assert mean._mean.total.exact() == pytest.approx(1800, abs=1e-3)
    assert median._histogram.exact().sum() == 20


def test_refuses():
    true, predicted = turned([5] * 4)
    with pytest.raises(ValueError, match="`codebook`.*20"):
        MeanAngularError(20)
    for degrees in (0, 181, -3):
        with pytest.raises(ValueError, match=f"`degrees`.*{degrees}"):
            WithinAngle(degrees)
    with pytest.raises(ValueError, match=r"width, 20\).*\(4, 1, 1, 3\)"):
        MeanAngularError(BOOK).update_state(true, predicted)
    with pytest.raises(ValueError, match="`y_true`"):
        MeanAngularError().update_state(true[..., :2], predicted)
    with pytest.raises(ValueError, match="`y_true` must be unit vectors of floats.*uint8"):
        NormalsScores().update_state((127.5 * (true + 1)).astype("uint8"), predicted)


def test_serialisation():
    for metric in (*metrics_of(BOOK), NormalsScores(BOOK), *metrics_of()):
        config = keras.saving.serialize_keras_object(metric)
        assert config["registered_name"] == f"keras_mtl>{type(metric).__name__}"
        again = keras.saving.deserialize_keras_object(config)
        assert type(again) is type(metric)
        assert again.get_config() == metric.get_config()
    names = [metric.name for metric in metrics_of()]
    assert names[:2] == ["mean_angular_error", "median_angular_error"]
    assert names[2:] == ["within_11.25", "within_22.5", "within_30"]
