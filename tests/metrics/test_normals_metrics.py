"""Angular metrics near zero and where there is no direction; medians of few and of many."""

import numpy as np
import pytest
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


@pytest.mark.parametrize("degrees", [0, 1e-4, 1e-2, 0.5, 45, 90, 179.5, 180])
def test_angles_are_accurate_from_zero_to_opposite(degrees):
    true, predicted = turned(np.full(4, degrees))
    # An arc cosine in float32 would give 0 or 0.028 for 0.01 degrees.
    mean = float(MeanAngularError()(true, 3 * predicted))
    assert mean == pytest.approx(degrees, rel=1e-4, abs=2e-5)


def test_no_direction_is_not_the_right_one():
    true, predicted = turned([0] * 4)
    assert float(MeanAngularError()(true, 0 * predicted)) == 90
    assert float(WithinAngle(30)(true, 0 * predicted)) == 0
    assert np.isnan(float(MeanAngularError()(true, np.nan * predicted)))
    assert float(MedianAngularError()(true, np.nan * predicted)) > 180 - BIN
    assert float(WithinAngle(180)(true, np.nan * predicted)) == 0


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


@pytest.mark.parametrize("spread", [0.5, 20, 170])
@pytest.mark.parametrize("count", [1, 2, 7, 400])
def test_a_median_is_within_a_bin_of_the_middle(rng, spread, count):
    degrees = rng.random(count) * spread
    true, predicted = (np.resize(x, (400, 1, 1, 3)) for x in turned(degrees))
    true[count:] = 0  # One shape, for JAX compiles each anew.
    low, high = (np.quantile(degrees, 0.5, method=method) for method in ("lower", "higher"))
    assert low - BIN <= float(MedianAngularError()(true, predicted)) <= high + BIN


def test_refuses():
    true, predicted = turned([5] * 4)
    with pytest.raises(ValueError, match="`codebook`.*20"):
        MeanAngularError(20)
    for degrees in (0, 181, -3):
        with pytest.raises(ValueError, match=f"`degrees`.*{degrees}"):
            WithinAngle(degrees)
    with pytest.raises(ValueError, match=r"width, 20\).*\(4, 1, 1, 3\)"):
        MeanAngularError(NormalsCodebook.default()).update_state(true, predicted)
    with pytest.raises(ValueError, match="`y_true`"):
        MeanAngularError().update_state(true[..., :2], predicted)
    with pytest.raises(ValueError, match="`y_true` must be unit vectors of floats.*uint8"):
        NormalsScores().update_state((127.5 * (true + 1)).astype("uint8"), predicted)
