"""Examples that networks learn from or are scored on: an input and what is known of it."""

import copy
import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_mtl._types import Array, Augmentation
from keras_mtl.datasets import ArrayBatches, LazyArray
from keras_mtl.study._digest import digest_of_arrays


class Examples:
    """Arrays of inputs and, by task, of targets.

    Args:
        argument: what errors call them, such as "train".
        data: pair of an array (N, …) and a dict from task to an array (N, …).
        tasks: names of the tasks that there must be targets of.
        augment: as of `ArrayBatches`; of batches in an order of their own.
    """

    def __init__(
        self, argument: str, data: Any, tasks: list[str], augment: Augmentation | None = None
    ) -> None:
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise ValueError(
                f"`{argument}` must be a pair (x, y) of an array and of a dict from task to an "
                f"array. Received: a {type(data).__name__}."
            )
        x, y = data
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
        self.augment = augment
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

    def batches(
        self, outputs: Mapping[str, str], batch_size: int, seed: int | None = None
    ) -> ArrayBatches:
        """Batches for a network; in an order of their own for each seed, or as they are.

        Args:
            outputs: dict from the names of its outputs to the tasks.
            batch_size: examples a batch; a last one that is smaller is left out where seeds differ.
            seed: integer seed of the order, or `None`.
        """
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

    def some(self, rows: Array) -> "Examples":
        """Those of some numbers."""
        taken = copy.copy(self)
        taken.__dict__.pop("digest", None)
        taken.x, taken.y = _rows(self.x, rows), {t: _rows(y, rows) for t, y in self.y.items()}
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


def examples_of(
    argument: str, data: Any, tasks: list[str], augment: Augmentation | None = None
) -> Examples:
    """Examples as they are, or of a pair of arrays; arguments as of `Examples`."""
    return data if isinstance(data, Examples) else Examples(argument, data, tasks, augment)


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
