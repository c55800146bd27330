"""The rows of a data set, pass after pass, by their places in that endless stream.

Rows are a dict of columns: `("inputs", name)`, or `("inputs", None)` if there is but one input, and
`("targets", task)`.
"""

import threading
import zlib

import keras
import numpy as np

from ._ordered_batches import OrderedBatches
from .lazy_array import LazyArray


def row_stream(name, source, shuffle, seed):
    """The stream of a source: `read(start, stop)`, `length` and `sequential`."""
    # By their names: who gives none of them need not have them.
    kinds = {f"{each.__module__.split('.')[0]}.{each.__name__}" for each in type(source).__mro__}
    if isinstance(source, (tuple, list)):
        return _ArrayRows(name, source, shuffle, seed)
    if isinstance(source, keras.utils.PyDataset):
        return _BatchRows(name, source, _num_batches(source), shuffle, seed)
    if "grain.MapDataset" in kinds:
        # What repeats for ever has the largest length that there is.
        endless = len(source) >= 2**62
        return _BatchRows(name, source, None if endless else len(source), shuffle, seed)
    if kinds & {"tensorflow.DatasetV2", "grain.IterDataset"}:
        return _SequentialRows(name, source)
    raise ValueError(
        f"`sources[{name!r}]` must be a pair (x, y) of arrays, a PyDataset, a tf.data.Dataset or a "
        f"grain data set. Received: {type(source).__name__}."
    )


def generator(seed, name, use, number):
    """A NumPy generator for a source's order, use 0, or augmentation, use 1."""
    # Python's own `hash` of a string differs between runs.
    key = (zlib.crc32(name.encode()), use, number)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def as_columns(x, y):
    """The columns of inputs, an array or a dict of them by name, and a dict of targets."""
    x = x if isinstance(x, dict) else {None: x}
    columns = {("inputs", name): values for name, values in x.items()}
    return columns | {("targets", task): values for task, values in y.items()}


def num_rows(columns):
    """How many rows columns have."""
    return len(next(iter(columns.values())))


def shapes_of(columns):
    """The shapes of a row."""
    return {key: values.shape[1:] for key, values in columns.items()}


def describe(key):
    """What errors call a column."""
    kind, name = key
    return "images" if name is None else f"{kind} {name!r}"


class _Rows:
    """Base class.

    Attributes:
        length: Rows of a pass, None if that is not known.
        sequential: Whether reading starts at the beginning and goes on from there.
    """

    length = None
    sequential = False

    def __init__(self, name, shuffle=False, seed=0):
        self._name, self._shuffle, self._seed = name, shuffle, seed
        self._cached_order = (None, None)
        self._shapes = None

    def _order(self, turn, count):
        """The numbers below `count` in the order of a pass."""
        if not self._shuffle:
            return np.arange(count)
        # Read once, as in `OrderedBatches.order`.
        cached_turn, order = self._cached_order
        if cached_turn != turn:
            order = generator(self._seed, self._name, 0, turn).permutation(count)
            self._cached_order = (turn, order)
        return order

    def _columns(self, pair):
        """The columns of a pair (x, y), and how many rows they have."""
        what = f"`sources[{self._name!r}]` must be or give pairs (x, y)"
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            received = f"{len(pair)} things" if isinstance(pair, (tuple, list)) else type(pair)
            raise ValueError(f"{what}. Received: {received}.")
        x, y = pair
        y = y if isinstance(y, dict) else {self._name: y}
        columns = {key: _as_array(values) for key, values in as_columns(x, y).items()}
        found = {describe(key): None if v is None else len(v) for key, v in columns.items()}
        rows = set(found.values())
        kinds = {kind for kind, _ in columns}
        if len(kinds) < 2 or len(rows) > 1 or not all(rows):
            raise ValueError(
                f"{what}, each an array or a dict of arrays by name, all with as many rows, one or "
                f"more. Received rows, None for what is no array: {found}."
            )
        return columns, rows.pop()

    def _checked(self, batch):
        """As `_columns`; refuses what has not the shapes of the source's first batch."""
        columns, rows = self._columns(batch)
        shapes = shapes_of(columns)
        self._shapes = self._shapes or shapes
        if shapes != self._shapes:
            raise ValueError(
                f"`sources[{self._name!r}]` must give rows of the same names and shapes. "
                f"Received: {self._shapes}, and then {shapes}."
            )
        return columns, rows


class _ArrayRows(_Rows):
    def __init__(self, name, pair, shuffle, seed):
        super().__init__(name, shuffle, seed)
        self._arrays, self.length = self._columns(pair)

    def read(self, start, stop):
        turns = range(start // self.length, -(-stop // self.length))
        rows = [
            self._order(turn, self.length)[max(0, start - first) : stop - first]
            for turn, first in ((turn, turn * self.length) for turn in turns)
        ]
        rows = np.concatenate(rows)
        return {key: values[rows] for key, values in self._arrays.items()}


class _BatchRows(_Rows):
    """Of batches by their number, all of one size but the last, which may be smaller."""

    def __init__(self, name, source, num_batches, shuffle, seed):
        # The others have an order of their own for every pass.
        plain = isinstance(source, keras.utils.PyDataset) and not isinstance(source, OrderedBatches)
        super().__init__(name, shuffle and plain, seed)
        self._source, self._num_batches, self._kept = source, num_batches, {}
        if num_batches == 0:
            raise ValueError(f"`sources[{name!r}]` must have a batch or more. Received: none.")
        _, self._size = self._checked(self._get(0, 0))
        if num_batches is not None:
            _, last = self._checked(self._get(0, num_batches - 1))
            self.length = (num_batches - 1) * self._size + last

    def read(self, start, stop):
        parts = []
        while start < stop:
            turn, row = (0, start) if self.length is None else divmod(start, self.length)
            index, first = divmod(row, self._size)
            batch = self._batch(turn, index)
            parts.append({key: each[first : first + stop - start] for key, each in batch.items()})
            start += num_rows(parts[-1])
        return _concatenated(parts)

    def _batch(self, turn, index):
        # The last two are kept: threads are never far from each other. Read once.
        kept = self._kept
        if (turn, index) not in kept:
            batch, rows = self._checked(self._get(turn, index))
            expected = self._size
            if index + 1 == self._num_batches:
                expected = self.length - index * self._size
            if rows != expected:
                raise ValueError(
                    f"`sources[{self._name!r}]` must give batches of one size, the last of which "
                    f"may be smaller. Received: {rows} rows in batch {index}, not {expected}."
                )
            kept = self._kept = dict([*kept.items()][-1:]) | {(turn, index): batch}
        return kept[turn, index]

    def _get(self, turn, index):
        if self._shuffle and self.length is not None:
            full = self.length // self._size
            # A last batch that is not full stays the last.
            index = self._order(turn, full)[index].item() if index < full else index
        if isinstance(self._source, OrderedBatches):
            return self._source._at(turn * self._num_batches + index)
        if isinstance(self._source, keras.utils.PyDataset):
            return self._source[index]
        return self._source[turn * (self._num_batches or 0) + index]


class _SequentialRows(_Rows):
    """Of batches one after the other: to go back is to start again.

    As long as each pass gives the same rows, a row depends on nothing but its place.
    """

    sequential = True

    def __init__(self, name, source):
        super().__init__(name)
        self._source = source
        # A backend may read ahead in a thread of its own, and leave it.
        self._lock = threading.Lock()
        self._rows_of_pass = None
        self._begin(0)
        self._read_batch(0)
        # The last batch may be smaller, which is seen when it is read.
        batches = int(source.cardinality()) if hasattr(source, "cardinality") else -1
        self.length = batches * self._stop if batches > 0 else None

    def read(self, start, stop):
        with self._lock:
            if start < self._start:
                self._begin(start)
            while self._stop < stop:
                self._read_batch(start)
            parts, first = [], self._start
            for batch in self._kept:
                rows = slice(max(0, start - first), max(0, stop - first))
                parts.append({key: values[rows] for key, values in batch.items()})
                first += num_rows(batch)
            return _concatenated(parts)

    def _begin(self, start):
        """Begins at the pass of a row, if it is known how long passes are, or else at the first."""
        self._first = start - start % self._rows_of_pass if self._rows_of_pass else 0
        self._start = self._stop = self._first
        self._kept, self._batches = [], self._iterator()

    def _iterator(self):
        if hasattr(self._source, "as_numpy_iterator"):
            return self._source.as_numpy_iterator()
        return iter(self._source)

    def _read_batch(self, start):
        """Reads on, and forgets the batches before a row."""
        batch = next(self._batches, None)
        if batch is None:
            if self._stop == self._first:
                raise ValueError(
                    f"`sources[{self._name!r}]` must have a batch or more. Received: none."
                )
            self._rows_of_pass = self._stop - self._first
            if start >= self._stop:
                self._begin(start)
            else:
                self._first, self._batches = self._stop, self._iterator()
            return
        columns, rows = self._checked(batch)
        self._kept.append(columns)
        self._stop += rows
        while self._start + num_rows(self._kept[0]) <= min(start, self._stop - 1):
            self._start += num_rows(self._kept.pop(0))


def _num_batches(source):
    try:
        return source.num_batches
    except NotImplementedError:  # To Keras, endless.
        return None


def _concatenated(parts):
    # Also of one part: whoever gets it may change it.
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def _as_array(values):
    """An array as it is, other tensors as arrays, and None for what is none."""
    if not isinstance(values, (np.ndarray, LazyArray)):
        try:
            values = keras.ops.convert_to_numpy(values) if hasattr(values, "shape") else None
        except (TypeError, ValueError):
            return None
    # Not `ndim`, for which a LazyArray makes a row.
    is_scalar = isinstance(values, np.ndarray) and not values.ndim
    return None if is_scalar else values
