"""How the tasks are weighted against each other: their weights over the steps of training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Axes

STYLES = ("-", "--", ":", "-.")
"""Of lines, each of ten colours."""


def loss_weights(axes: Axes, history: Mapping[Any, ArrayLike], tasks: Sequence[str]) -> Axes:
    """Draws the weight of each task against the step, or the epoch, of training.

    The grey line at 1 is plain training. The scale is logarithmic where weights differ by a factor
    of 10 or more, if all are above 0.

    Args:
        axes: matplotlib axes.
        history: dict from step to an array (T,) of weights, such as
            `keras_mtl.callbacks.read_balance` gives; or the `history` of what `fit` returns, whose
            `<task>_weight` are means over each epoch. NaN is left out.
        tasks: names of the T tasks, such as `model.tasks`.

    Returns:
        The axes.

    Raises:
        ValueError: the history is empty, or neither of both for those tasks.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> history = {0: [1.0, 1.0], 100: [0.7, 1.3], 200: [0.6, 1.4]}
    >>> axes = keras_mtl.plots.loss_weights(plt.subplot(), history, ["depth", "normals"])
    """
    keys = [f"{task}_weight" for task in tasks]
    of_fit = bool(keys) and set(keys) <= set(history)
    if of_fit:
        weights = np.transpose([history[key] for key in keys])
        steps = list(range(1, 1 + len(weights)))
    else:
        steps = sorted(history)
        wrong = [x for x in steps if isinstance(x, str) or np.shape(history[x]) != (len(tasks),)]
        if wrong or not steps:
            raise ValueError(
                f"`history` must hold weights of shape ({len(tasks)},) by step, or {keys}, for "
                f"tasks={list(tasks)}. Received: {wrong or history}."
            )
        weights = np.array([history[step] for step in steps])
    axes.axhline(1, color="0.6", linewidth=0.8)
    for place, task in enumerate(tasks):
        style = STYLES[place // 10 % len(STYLES)]
        # A single epoch is a point.
        marker = "o" if len(steps) == 1 else None
        axes.plot(steps, weights[:, place], style, marker=marker, color=f"C{place}", label=task)
    known = weights[np.isfinite(weights)]
    if len(known) and known.min() > 0 and known.max() >= 10 * known.min():
        from matplotlib.ticker import LogLocator, NullFormatter

        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("epoch" if of_fit else "step")
    axes.set_ylabel("weight")
    axes.grid(alpha=0.3)
    # Beside: there may be many, and curves may be anywhere.
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return axes
