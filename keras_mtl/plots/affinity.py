"""How alike the features of the tasks are: an affinity matrix as a picture."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Axes
from keras_mtl.plots._cells import name_cells, write_numbers
from keras_mtl.plots.pyplot import pyplot

MOST_NUMBERS = 8  # Tasks, above which the cells are too small to write in.


def affinity(axes: Axes, matrix: ArrayLike, tasks: Sequence[str], *, vmin: float = 0.0) -> Axes:
    """Draws the affinities of all pairs of tasks at one stage, the brighter the more alike.

    All matrices share one scale of colours, from `vmin` to 1, so that stages can be compared. What
    is below is grey, what is unknown (NaN) is blank. Up to 8 tasks have their numbers in the cells;
    for a scale of more, `figure.colorbar(axes.images[0])`.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, section 3.1.

    Args:
        axes: matplotlib axes.
        matrix: array (T, T) of affinities, rank correlations from -1 to 1.
        tasks: names of the T tasks.
        vmin: affinity at the dark end of the scale of colours, below 1.

    Returns:
        The axes.

    Raises:
        ValueError: the matrix is not of T × T tasks or no correlations, or `vmin` is not below 1.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> matrix = [[1.0, 0.7, 0.2], [0.7, 1.0, 0.4], [0.2, 0.4, 1.0]]
    >>> axes = keras_mtl.plots.affinity(plt.subplot(), matrix, ["parts", "depth", "normals"])
    """
    matrix = np.asarray(matrix, float)
    if matrix.shape != (len(tasks), len(tasks)) or not len(tasks):
        raise ValueError(
            f"`matrix` must be of shape ({len(tasks)}, {len(tasks)}) for tasks={list(tasks)}. "
            f"Received: shape {matrix.shape}."
        )
    if (np.abs(matrix) > 1 + 1e-6).any():  # Rounding may lead a little beyond.
        raise ValueError(f"`matrix` must be of correlations from -1 to 1. Received: {matrix}.")
    if not vmin < 1:
        raise ValueError(f"`vmin` must be below 1. Received: {vmin}.")
    colours = pyplot().get_cmap("viridis").with_extremes(under="0.85", bad="white")
    image = axes.imshow(matrix, cmap=colours, vmin=vmin, vmax=1, aspect="equal")
    if len(tasks) <= MOST_NUMBERS:
        write_numbers(axes, matrix, image.to_rgba(np.ma.masked_invalid(matrix))[..., :3])
    name_cells(axes, tasks, tasks)
    return axes
