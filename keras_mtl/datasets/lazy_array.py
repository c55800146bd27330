"""An array whose rows are made where they are read."""

import operator
from collections.abc import Callable
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from keras_mtl._checks import check_integer
from keras_mtl._types import Array


class LazyArray:
    """An array whose rows are made where they are read, so that it need not fit into memory.

    It reads as a NumPy array does along its first axis: `x[3]` is a row; `x[2:5]`, `x[[4, 0]]` and
    `x[mask]` are arrays of rows. Nothing is kept. `np.asarray(x)` makes all rows. `ArrayBatches`
    takes it in place of an array.

    Args:
        row: Function of a row's number, from 0, that returns the row, an array. It may be called
            by several threads at once.
        length: Number of rows, N.

    Raises:
        ValueError: `length` is no integer of 0 or more, or `row` no function. When several rows are
            read at once: they differ in shape.
        IndexError: When it is read: there is no such row.

    Example:

    >>> from keras_mtl.datasets import LazyArray
    >>> squares = LazyArray(lambda number: np.full(2, number**2), 1_000_000)
    >>> squares[2:4]
    array([[4, 4],
           [9, 9]])
    >>> squares.map(np.sqrt).shape
    (1000000, 2)
    """

    def __init__(self, row: Callable[[int], Array], length: int) -> None:
        if not callable(row):
            raise ValueError(f"`row` must be a function of a row's number. Received: {row!r}.")
        self._row = row
        self._length = check_integer("length", length, 0)
        self._first = None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, key: SupportsIndex | slice | ArrayLike) -> Array:
        """A row, for an integer; or an array of rows, for a slice, integers or a mask."""
        if isinstance(key, slice):
            return self._stack(range(self._length)[key])
        try:
            if isinstance(key, bool):  # an integer to Python, but no row
                raise TypeError
            number = operator.index(key)  # type: ignore[arg-type]
        except TypeError:
            return self._stack(self._numbers(key))
        return self._row(self._checked(number))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        if copy is False:
            raise ValueError("`copy` must not be False: the rows have to be made. Received: False.")
        return np.asarray(self[:], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(N, ...)`, that of the first row after N; `(0,)` if there is none."""
        return (self._length, *(() if self._first_row is None else self._first_row[0]))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype:
        """Type of the first row's values."""
        return np.dtype(float) if self._first_row is None else self._first_row[1]

    def map(self, function: Callable[[Array], ArrayLike]) -> "LazyArray":
        """A `LazyArray` of `function(row)` for each row."""
        return LazyArray(_Mapped(self._row, function), self._length)

    def take(self, rows: ArrayLike) -> "LazyArray":
        """A `LazyArray` of some rows, given as a list of integers or a mask."""
        numbers = self._numbers(rows)
        return LazyArray(_Taken(self._row, numbers), len(numbers))

    @property
    def _first_row(self):
        if self._first is None and self._length:
            row = np.asarray(self._row(0))
            self._first = row.shape, row.dtype
        return self._first

    def _checked(self, number):
        if not -self._length <= number < self._length:
            raise IndexError(f"Expected a row below {self._length}. Received: {number}")
        return number % self._length

    def _numbers(self, key):
        if isinstance(key, tuple):
            raise IndexError(f"Expected rows alone, not positions on several axes. Received: {key}")
        key = np.asarray(key)
        if key.dtype == bool and key.shape == (self._length,):
            return np.flatnonzero(key).tolist()
        if key.ndim != 1 or (key.size and key.dtype.kind not in "iu"):
            raise IndexError(
                f"Expected rows as an integer, a slice, a list of integers or a mask of length "
                f"{self._length}. Received: {key.dtype} of shape {key.shape}"
            )
        return [self._checked(number) for number in key.tolist()]

    def _stack(self, numbers):
        if not len(numbers):
            return np.empty((0, *self.shape[1:]), self.dtype)
        stacked = None
        for place, number in enumerate(numbers):
            row = np.asarray(self._row(number))
            if stacked is None:
                stacked = np.empty((len(numbers), *row.shape), row.dtype)
            # An assignment would broadcast and cast.
            if (row.shape, row.dtype) != (stacked.shape[1:], stacked.dtype):
                raise ValueError(
                    "Rows that are read together must have one shape and type; read them one by "
                    f"one. Received: {stacked.dtype} of shape {stacked.shape[1:]} and {row.dtype} "
                    f"of shape {row.shape}."
                )
            stacked[place] = row
        return stacked


class _Taken:
    """Rows by their place in a list; it pickles if their function does."""

    def __init__(self, row, numbers):
        self._row, self._numbers = row, numbers

    def __call__(self, number):
        return self._row(self._numbers[number])


class _Mapped:
    """The composition of two functions; it pickles if they do."""

    def __init__(self, row, function):
        self._row, self._function = row, function

    def __call__(self, number):
        return self._function(self._row(number))
