"""Examples that networks learn from or are scored on: an input and what is known of it."""

import copy
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_mtl._types import Array, Augmentation
from keras_mtl.datasets import ArrayBatches, JoinedBatches, LazyArray
from keras_mtl.study._digest import digest_of_arrays
from keras_mtl.task import Task


class Examples:
    """Arrays of inputs and, by task, of targets.

    Args:
        argument: what errors call them, such as "train".
        data: pair of an array (N, …) and a dict from task to an array (N, …), in which some
            labels, but not all of a task, may be missing, as `Task.missing` says; or a list of
            several such pairs, each of which has targets of some tasks.
        tasks: names of the tasks that there must be targets of.
        augment: as of `ArrayBatches`; of batches in an order of their own.
        mix: as of `JoinedBatches`: the shares that examples have in batches in an order of their
            own, if some have labels of other tasks than others.
    """

    y: Mapping[str, Any] = {}
    known: Mapping[str, Array] = {}

    def __init__(
        self,
        argument: str,
        data: Any,
        tasks: list[str],
        augment: Augmentation | None = None,
        mix: str | float = "proportional",
    ) -> None:
        if isinstance(data, list) and data and all(isinstance(each, tuple) for each in data):
            data = joined(argument, data)
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise ValueError(
                f"`{argument}` must be a pair (x, y) of an array and of a dict from task to an "
                f"array, or a list of pairs. Received: a {type(data).__name__}."
            )
        x, y = data
        self.argument = argument
        if not isinstance(y, Mapping):
            raise ValueError(
                f"`{argument}` must have as y a dict by the tasks {tasks}. "
                f"Received: a {type(y).__name__}."
            )
        missing = [task for task in tasks if task not in y]
        unknown = [task for task in y if task not in tasks]
        if missing or unknown:
            raise ValueError(
                f"`{argument}` must have targets for the tasks {tasks} and no others. "
                f"Received: targets for {list(y)}."
            )
        self.augment, self.mix = augment, mix
        self.x = _as_array(f"{argument}: x", x)
        self.y = {task: _as_array(f"{argument}: y[{task!r}]", y[task]) for task in tasks}
        lengths = {name: len(values) for name, values in {"x": self.x, **self.y}.items()}
        if len(set(lengths.values())) > 1 or not len(self.x):
            raise ValueError(
                f"`{argument}` must have as many targets of each task as inputs, and some. "
                f"Received: {lengths}."
            )

    def __len__(self) -> int:
        return len(self.x)

    def look_for_labels(self, tasks: Mapping[str, Task]) -> None:
        """Finds the rows that have labels of each task, so that others need not be learned from.

        Raises:
            ValueError: there is none of a task.
        """
        self.known = {}
        for name, labels in self.y.items():
            # To look at labels that are made where they are read would make all of them.
            lazy = isinstance(labels, LazyArray)
            known = np.ones(len(labels), bool) if lazy else tasks[name].known_rows(labels)
            self.known[name] = known
            if not known.any():
                raise ValueError(
                    f"`{self.argument}` must have labels of {name!r}. "
                    f"Received: {len(labels)} rows, none with a label that is known."
                )

    def with_labels(self, labels: Sequence[tuple[str, int, int]]) -> "Examples":
        """The same with fewer labels: triples of a task, their number, and a seed of the draw."""
        if not labels:
            return self
        taken = copy.copy(self)
        taken.__dict__.pop("digest", None)
        taken.y, taken.known = dict(self.y), dict(self.known)
        for task, count, seed in labels:
            rows = np.flatnonzero(self.known[task])
            # The first ones of an order, so that a smaller number is part of a larger one.
            kept = np.random.default_rng(seed).permutation(rows)[:count]
            taken.known[task] = np.isin(np.arange(len(self)), kept)
            taken.y[task] = _hidden(self.y[task], ~taken.known[task])
        return taken

    def batches(
        self, outputs: Mapping[str, str], batch_size: int, seed: int | None = None
    ) -> keras.utils.PyDataset:
        """Batches for a network; in an order of their own for each seed, or as they are.

        Those in an order are of the examples with labels of one of the network's tasks at least.

        Args:
            outputs: dict from the names of its outputs to the tasks.
            batch_size: examples a batch; a last one that is smaller is left out where seeds differ.
            seed: integer seed of the order, or `None`.
        """
        if seed is not None and self.known:
            of_tasks = np.stack([self.known[task] for task in outputs.values()])
            rows = np.flatnonzero(of_tasks.any(axis=0))
            if len(rows) < len(self):
                return self.some(rows).batches(outputs, batch_size, seed)
            if self.mix != "proportional" and not of_tasks.all():
                return self._mixed(outputs, of_tasks, batch_size, seed)
        return ArrayBatches(
            self.x,
            {output: self.y[task] for output, task in outputs.items()},
            min(batch_size, len(self)),
            shuffle=seed is not None,
            seed=seed or 0,
            drop_remainder=seed is not None,
            augment=None if seed is None else self.augment,
            # Rows that are made where they are read are made ahead.
            workers=2 if isinstance(self.x, LazyArray) else 1,
        )

    def _mixed(self, outputs, known, batch_size, seed):
        """Batches in which rows with labels of the same tasks have the shares of `mix`."""
        patterns, of_row = np.unique(known.T, axis=0, return_inverse=True)
        sources = {}
        for number, pattern in enumerate(patterns):
            rows = np.flatnonzero(of_row.reshape(-1) == number)
            labels = [each for each, there in zip(outputs.items(), pattern, strict=True) if there]
            y = {output: _rows(self.y[task], rows) for output, task in labels}
            sources["+".join(y)] = _rows(self.x, rows), y
        return JoinedBatches(sources, batch_size, self.mix, seed=seed, augment=self.augment)

    def some(self, rows: Array) -> "Examples":
        """Those of some numbers."""
        taken = copy.copy(self)
        taken.__dict__.pop("digest", None)
        taken.x, taken.y = _rows(self.x, rows), {t: _rows(y, rows) for t, y in self.y.items()}
        taken.known = {task: known[rows] for task, known in self.known.items()}
        return taken

    def first(self, count: int) -> Any:
        """The inputs of the first examples, as the networks get them."""
        return np.asarray(self.x[:count], "float32")

    def arrays(self) -> list[Any]:
        """All that decides what is learned of them."""
        return [self.x, *self.y.values()]

    @functools.cached_property
    def digest(self) -> str:
        """A short name of what they hold."""
        return digest_of_arrays(self.arrays())


def examples_of(argument: str, data: Any, tasks: list[str], **options: Any) -> Examples:
    """Examples as they are, or of a pair of arrays; arguments as of `Examples`."""
    return data if isinstance(data, Examples) else Examples(argument, data, tasks, **options)


def _hidden(labels, rows):
    """Labels with NaN in some rows, given as a mask."""
    if isinstance(labels, LazyArray):
        return LazyArray(_HiddenRows(labels, rows), len(labels))
    shown = labels.astype("float32")
    shown[rows] = np.nan
    return shown


class _HiddenRows:
    """A row of labels, or of NaN; it pickles if they do."""

    def __init__(self, labels, rows):
        self._labels, self._rows = labels, rows

    def __call__(self, number):
        row = np.asarray(self._labels[number], "float32")
        return np.full_like(row, np.nan) if self._rows[number] else row


def joined(argument: str, parts: list[tuple[Any, Mapping[str, Any]]]) -> tuple[Any, Any]:
    """Several pairs (x, y) as one, in which labels that a part has not are NaN."""
    if not all(len(part) == 2 and isinstance(part[1], Mapping) for part in parts):
        raise ValueError(
            f"`{argument}` must be a list of pairs (x, y), y a dict from task to an array. "
            f"Received: {[type(part).__name__ for part in parts]}."
        )
    arrays = [(np.asarray(x), {t: np.asarray(y) for t, y in of.items()}) for x, of in parts]
    shapes = {task: y.shape[1:] for _, of in arrays for task, y in of.items()}

    def labels_of(task, x, of):
        if task in of:
            return of[task]
        return np.full((len(x), *shapes[task]), np.nan, "float32")

    try:
        x = np.concatenate([x for x, _ in arrays])
        y = {task: np.concatenate([labels_of(task, *part) for part in arrays]) for task in shapes}
    except ValueError as error:
        raise ValueError(f"`{argument}` must be of parts of one shape. {error}") from error
    return x, y


def _rows(values, rows):
    return values.take(rows) if isinstance(values, LazyArray) else values[rows]


def _as_array(name, values):
    if isinstance(values, LazyArray):
        return values
    try:
        array = np.asarray(values)
    except ValueError:  # Such as lists of several lengths.
        array = np.asarray(None)
    if array.dtype == object or array.ndim == 0:
        raise ValueError(
            f"`{name}` must be an array of numbers. Received: a {type(values).__name__}."
        )
    if array.dtype.kind == "f" and name.endswith(": x") and np.isnan(array).any():
        raise ValueError(f"`{name}` must have no NaN. Received: {np.isnan(array).sum()} of them.")
    return array
