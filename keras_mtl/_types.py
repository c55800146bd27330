"""What the annotations call things; most of Keras has no types of its own."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
else:  # An extra, which need not be installed.
    Axes = Figure = Any

Tensor: TypeAlias = Any
"""A tensor of any backend, one of Keras that is symbolic, or an array that stands for one."""

Array: TypeAlias = np.ndarray
"""An array of NumPy; docstrings give its type and shape."""


class Pictures(Protocol):
    """Arrays by their number, whose shapes may differ: an array, a list, `ImageFiles`, …"""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Array: ...


Shape: TypeAlias = tuple[int | None, ...]
"""`None` where a size is unknown."""

Size: TypeAlias = tuple[int, int]
"""(height, width)."""

PathLike: TypeAlias = str | os.PathLike[str]

Config: TypeAlias = dict[str, Any]
"""What `get_config` returns."""

Partition: TypeAlias = Sequence[Sequence[str]]
"""Groups of the names of tasks."""

NumberTree: TypeAlias = tuple[tuple[tuple[int, ...], ...], ...]
"""For each location of a network a partition of the tasks' numbers."""

Features: TypeAlias = dict[str, int]
"""From task to the number that stands for its features in a plan."""

Policy: TypeAlias = Mapping[str, str | Sequence[int] | Array] | Sequence[Sequence[int]] | Array
"""Zeros and ones (or booleans): which blocks a task executes."""

Augmentation: TypeAlias = Callable[
    [Array, dict[str, Array], np.random.Generator], tuple[Array, dict[str, Array]]
]
"""From images, targets and a generator to new images and targets."""

Reduction: TypeAlias = Literal[
    "sum", "sum_over_batch_size", "mean", "mean_with_sample_weight", "none"
]
"""Of `keras.losses.Loss`."""
