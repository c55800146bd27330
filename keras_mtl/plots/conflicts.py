"""Which tasks pull against which: the cosines of their gradients as a picture."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Axes
from keras_mtl.plots._cells import name_cells, write_numbers
from keras_mtl.plots._task_pairs import known_mean
from keras_mtl.plots.affinity import MOST_NUMBERS
from keras_mtl.plots.pyplot import pyplot


def conflicts(
    axes: Axes, history: Mapping[Any, ArrayLike], tasks: Sequence[str], *, vmax: float = 1.0
) -> Axes:
    """Draws the mean cosine of the gradients of each pair of tasks over training.

    Red pairs pull against each other, blue ones pull together, and white ones have nothing to do
    with each other; those of which no cosine is known are grey, as a task with itself is. Up to 8
    tasks have their numbers in the cells; for a scale of more, `figure.colorbar(axes.images[0])`.

    Args:
        axes: matplotlib axes.
        history: dict from step to an array (T, T) of cosines, such as
            `keras_mtl.callbacks.read_balance` gives; or the `history` of what `fit` returns, whose
            `<task>_<other>_cosine` are means over each epoch. NaN is left out.
        tasks: names of the T tasks, such as `model.tasks`.
        vmax: cosine, above 0, at the blue end of the scale of colours; the red one is at `-vmax`.

    Returns:
        The axes.

    Raises:
        ValueError: the history is neither of both for those tasks, or no cosine is known: they are
            kept by a balancing with `conflicts=True`; or `vmax` is not above 0.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> history = {"depth_normals_cosine": [0.1, -0.2], "loss": [1.4, 1.2]}
    >>> axes = keras_mtl.plots.conflicts(plt.subplot(), history, ["depth", "normals"])
    """
    count = len(tasks)
    means = np.full((count, count), np.nan)
    for i, j in zip(*np.triu_indices(count, 1), strict=True):
        means[i, j] = means[j, i] = known_mean(_cosines(history, tasks, i, j))
    if not np.isfinite(means).any():
        raise ValueError(
            "`history` must hold cosines of two tasks, which a balancing with `conflicts=True` "
            f"keeps of steps in which both have a gradient. Received: none of {list(tasks)}."
        )
    if not vmax > 0:
        raise ValueError(f"`vmax` must be above 0. Received: {vmax}.")
    colours = pyplot().get_cmap("RdBu").with_extremes(bad="0.9")
    image = axes.imshow(means, cmap=colours, vmin=-vmax, vmax=vmax, aspect="equal")
    if count <= MOST_NUMBERS:
        write_numbers(axes, means, image.to_rgba(np.ma.masked_invalid(means))[..., :3])
    name_cells(axes, tasks, tasks)
    return axes


def _cosines(history, tasks, i, j):
    """Those of a pair of tasks at all steps."""
    for a, b in ((i, j), (j, i)):
        if (key := f"{tasks[a]}_{tasks[b]}_cosine") in history:
            return np.asarray(history[key], float)
    wanted = (len(tasks), len(tasks))
    wrong = [x for x, values in history.items() if isinstance(x, str) or np.shape(values) != wanted]
    if wrong:
        raise ValueError(
            f"`history` must hold cosines of shape {wanted} by step, or {key!r} and those of the "
            f"other pairs, for tasks={list(tasks)}. Received: {wrong}."
        )
    return np.array([np.asarray(values)[i, j] for values in history.values()], float)
