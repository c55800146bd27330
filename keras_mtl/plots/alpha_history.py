"""How a cross-stitch unit learns: its alphas over the steps of training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_mtl._types import Array, Axes


def alpha_history(axes: Axes, history: Mapping[int, Array], tasks: Sequence[str]) -> Axes:
    """Draws a unit's alphas, averaged over its channels, against the step of training.

    Same-task values are drawn solid, different-task values dashed, as in `sorted_alphas`.

    Args:
        axes: matplotlib axes.
        history: dict from step to the unit's alphas, (T, T) or (T, T, channels), such as
            `keras_mtl.callbacks.read_alphas` gives for each unit.
        tasks: names of the T tasks, in the order of the unit.

    Returns:
        The axes.

    Raises:
        ValueError: the history is empty, or the alphas are not of T × T tasks.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> history = {0: [[0.9, 0.1], [0.1, 0.9]], 100: [[0.8, 0.2], [0.0, 1.0]]}
    >>> axes = keras_mtl.plots.alpha_history(plt.subplot(), history, ["parts", "normals"])
    """
    wanted = (len(tasks), len(tasks))
    wrong = [np.shape(alpha) for alpha in history.values() if np.shape(alpha)[:2] != wanted]
    if wrong or not history:
        raise ValueError(
            f"`history` must hold alphas of shape {wanted} or {(*wanted, 'channels')} for "
            f"tasks={list(tasks)}. Received: {wrong[0] if wrong else history}."
        )
    steps = sorted(history)
    means = np.array([np.reshape(history[step], (*wanted, -1)).mean(-1) for step in steps])
    for i, task in enumerate(tasks):
        for j, other in enumerate(tasks):
            style: dict[str, Any] = {"linestyle": "-" if i == j else "--", "color": f"C{i}"}
            axes.plot(steps, means[:, i, j], label=f"{task} ← {other}", **style)
    axes.set_xlabel("step")
    axes.set_ylabel("mean alpha")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    return axes
