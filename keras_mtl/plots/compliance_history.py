"""Do the tasks come to agree? The update compliance ratio over the steps of training."""

from collections.abc import Mapping

import numpy as np

from keras_mtl._types import Array, Axes
from keras_mtl.plots._task_pairs import known_mean, task_pairs
from keras_mtl.plots.pyplot import pyplot


def compliance_history(axes: Axes, history: Mapping[int, Mapping[str, Array]]) -> Axes:
    """Draws every layer's mean update compliance ratio against the step of training.

    The mean is that over all pairs of different tasks. Layers go from dark, the first, to bright.

    Args:
        axes: matplotlib axes.
        history: dict from step to a dict from layer to an array (T, T) of ratios, such as
            `keras_mtl.callbacks.read_compliance` gives of the column `"compliance"`; the same
            layers at all steps. NaN is left out, and so are layers that no two tasks share.

    Returns:
        The axes.

    Raises:
        ValueError: the history is empty, or its steps differ in their layers; ratios are not of
            T × T tasks, T of 2 or more, or not from 0 to 1, as cosines and norms.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> history = {0: {"conv1": [[1, 0.4], [0.4, 1]]}, 100: {"conv1": [[1, 0.7], [0.7, 1]]}}
    >>> axes = keras_mtl.plots.compliance_history(plt.subplot(), history)
    """
    layers = [list(of_step) for of_step in history.values()]
    if not layers or any(each != layers[0] for each in layers):
        raise ValueError(
            f"`history` must hold the same layers at one or more steps. Received: {layers}."
        )
    steps = sorted(history)
    means = {
        layer: [
            known_mean(task_pairs(f"history[{step}][{layer!r}]", history[step][layer]))
            for step in steps
        ]
        for layer in layers[0]
    }
    means = {layer: values for layer, values in means.items() if not np.isnan(values).all()}
    axes.axhline(0.5, color="0.6", linewidth=0.8)
    colors = pyplot().get_cmap("viridis")(np.linspace(0, 0.9, len(means)))
    for color, (layer, values) in zip(colors, means.items(), strict=True):
        axes.plot(steps, values, color=color, label=layer)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("step")
    axes.set_ylabel("mean update compliance ratio")
    axes.grid(alpha=0.3)
    if means:
        # Beside: there may be many, and curves may be anywhere.
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return axes
