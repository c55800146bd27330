"""Weighted histograms: those of NumPy, and past 2^24 in one bin."""

import numpy as np
import pytest
from keras import ops

from keras_mtl.metrics import _bin_sums
from keras_mtl.metrics._bin_sums import bin_sums


@pytest.mark.parametrize("at_once", [2**24, 7])
def test_the_sums_are_those_of_numpy_in_one_piece_or_several(rng, monkeypatch, at_once):
    monkeypatch.setattr(_bin_sums, "AT_ONCE", at_once)
    bins = rng.integers(0, 5, (3, 4, 6)).astype("int32")
    for weights in (np.ones(bins.shape, "int32"), rng.random(bins.shape, "float32")):
        sums = ops.convert_to_numpy(bin_sums(ops.convert_to_tensor(weights), bins, 6))
        assert sums.dtype == weights.dtype
        np.testing.assert_allclose(sums, np.bincount(bins.ravel(), weights.ravel(), 6), rtol=1e-5)


@pytest.mark.one_backend  # Half a gigabyte for a second; torch stops integers, too.
def test_a_bin_goes_on_where_float32_stops():
    size = 2**24 + 3
    sums = bin_sums(ops.ones((size,), dtype="int32"), ops.zeros((size,), dtype="int32"), 1)
    assert int(sums[0]) == size
