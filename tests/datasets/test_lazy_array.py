"""A `LazyArray` reads as the NumPy array of its rows does."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_mtl.datasets import LazyArray

pytestmark = pytest.mark.one_backend

N = 7
ARRAY = np.arange(N * 6, dtype="int16").reshape(N, 2, 3)
ANY = st.integers(-N, N - 1)
BOUND = st.none() | st.integers(-N - 3, N + 3)


def row(number):
    return ARRAY[number]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    ANY
    | st.builds(slice, BOUND, BOUND, BOUND.filter(lambda step: step != 0))
    | st.lists(ANY, max_size=9)
    | st.lists(ANY, min_size=1, max_size=9).map(np.array)
    | st.lists(st.booleans(), min_size=N, max_size=N).map(np.array)
    | ANY.map(np.int64)
)
def test_it_reads_as_numpy_does(key):
    lazy = LazyArray(row, N)
    expected = ARRAY[np.array(key, int) if isinstance(key, list) else key]
    assert lazy[key].dtype == expected.dtype
    np.testing.assert_array_equal(lazy[key], expected, strict=True)


def test_it_looks_as_an_array_does():
    lazy = LazyArray(row, N)
    assert (len(lazy), lazy.shape, lazy.ndim, lazy.dtype) == (N, ARRAY.shape, 3, ARRAY.dtype)
    np.testing.assert_array_equal(np.asarray(lazy), ARRAY, strict=True)
    assert np.asarray(lazy, "float32").dtype == "float32"
    # Python's own protocol of sequences, which ends at IndexError.
    np.testing.assert_array_equal(list(lazy), ARRAY)
    numbers = LazyArray(float, 3)
    assert (numbers.shape, numbers.dtype, numbers[1:].tolist()) == ((3,), float, [1.0, 2.0])


def test_without_rows():
    empty = LazyArray(row, 0)
    assert len(empty) == 0 and empty.shape == (0,) and np.asarray(empty).shape == (0,)
    with pytest.raises(IndexError):
        empty[0]
    assert LazyArray(row, N)[[]].shape == (0, 2, 3)


def test_only_what_is_read_is_made():
    made = []
    lazy = LazyArray(lambda number: made.append(number) or ARRAY[number], N)
    lazy[3], lazy[[5, -1]], lazy[1::3]
    assert made == [3, 5, 6, 1, 4]
    assert (lazy.shape, lazy.dtype, lazy.ndim) == (ARRAY.shape, ARRAY.dtype, 3)
    assert made[5:] == [0]


def test_map():
    lazy = LazyArray(row, N).map(np.sqrt).map(np.transpose)
    assert lazy.shape == (N, 3, 2) and lazy.dtype == "float32"
    np.testing.assert_array_equal(lazy[[6, 2]], np.sqrt(ARRAY[[6, 2]]).transpose(0, 2, 1))
    # Of other rows: positions may be mapped, too.
    some = LazyArray([4, 1].__getitem__, 2).map(LazyArray(row, N).__getitem__)
    np.testing.assert_array_equal(np.asarray(some), ARRAY[[4, 1]])


def test_it_pickles_and_serves_threads():
    lazy = pickle.loads(pickle.dumps(LazyArray(row, N).map(np.negative)))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lazy.__getitem__, list(range(N)) * 20))
    np.testing.assert_array_equal(found, np.tile(-ARRAY, (20, 1, 1)))


@pytest.mark.parametrize("key", [N, -N - 1, [0, N], [-N - 1], np.array([2, 70])])
def test_rows_that_are_not_there(key):
    with pytest.raises(IndexError, match=f"Expected a row below {N}. Received: "):
        LazyArray(row, N)[key]


@pytest.mark.parametrize(
    "key, received",
    [
        (1.5, r"float64 of shape \(\)"),
        (np.array([1.0]), r"float64 of shape \(1,\)"),
        ([True, False], r"bool of shape \(2,\)"),
        (np.zeros((2, 2), int), r"int64 of shape \(2, 2\)"),
        ("image", "of shape"),
        (None, "object of shape"),
    ],
)
def test_keys_of_another_kind(key, received):
    with pytest.raises(IndexError, match=f"Expected rows as an integer, .*{received}"):
        LazyArray(row, N)[key]


def test_refusals():
    with pytest.raises(IndexError, match=r"rows alone.*Received: \(1, 2\)"):
        LazyArray(row, N)[1, 2]
    with pytest.raises(ValueError, match="`row` must be a function.*Received: 3"):
        LazyArray(3, 3)
    for length in (-1, 2.5):
        with pytest.raises(ValueError, match=f"length={length}"):
            LazyArray(row, length)
    ragged = LazyArray(np.ones, 3)
    assert ragged[2].shape == (2,)
    with pytest.raises(ValueError, match=r"one shape.*of shape \(1,\) and .*of shape \(2,\)"):
        ragged[1:]
