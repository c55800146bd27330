"""Table 4 of the cross-stitch paper: what a unit has learned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Axes


def sorted_alphas(axes: Axes, alpha: ArrayLike, tasks: Sequence[str]) -> Axes:
    """Draws a unit's alphas, each pair of tasks sorted over the channels.

    Same-task values are drawn solid, different-task values dashed. Each curve is sorted on its
    own: one position is not one channel.

    Source: Misra et al., CVPR 2016, Table 4.

    Args:
        axes: matplotlib axes.
        alpha: array (T, T, channels), or (T, T) of a unit for the whole layer.
        tasks: names of the T tasks, in the order of the unit.

    Returns:
        The axes.

    Raises:
        ValueError: the alphas are not of T × T tasks.

    Example:

    >>> import matplotlib.pyplot as plt, numpy as np, keras_mtl.plots
    >>> alpha = np.random.default_rng(0).normal(0.5, 0.2, (2, 2, 96))
    >>> axes = keras_mtl.plots.sorted_alphas(plt.subplot(), alpha, ["segmentation", "normals"])
    """
    alpha = np.asarray(alpha)
    if alpha.shape[:2] != (len(tasks), len(tasks)) or alpha.ndim not in (2, 3):
        raise ValueError(
            f"`alpha` must be ({len(tasks)}, {len(tasks)}, channels) for tasks={list(tasks)}. "
            f"Received: shape {alpha.shape}."
        )
    curves = np.sort(alpha.reshape(*alpha.shape[:2], -1), axis=-1)
    position = np.linspace(0, 1, max(curves.shape[-1], 2))
    for i, task in enumerate(tasks):
        for j, other in enumerate(tasks):
            curve = np.broadcast_to(curves[i, j], position.shape)
            style: dict[str, Any] = {"linestyle": "-" if i == j else "--", "color": f"C{i}"}
            axes.plot(position, curve, label=f"{task} ← {other}", **style)
    axes.set_xlim(0, 1)
    axes.set_xlabel("channels, sorted")
    axes.grid(alpha=0.3)
    return axes
