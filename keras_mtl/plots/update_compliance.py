"""Do the tasks agree on their updates, and does a module help them to?"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_mtl._types import Array, Axes
from keras_mtl.plots._task_pairs import known_mean, task_pairs


def update_compliance(axes: Axes, ratios: Mapping[str, Mapping[str, Array]]) -> Axes:
    """Draws the update compliance ratios of all pairs of tasks, layer by layer, network by network.

    A dot is a pair of different tasks; networks stand side by side in colours of their own, each
    with a bar at the mean of its dots. Above the line at .5 two tasks more often agree than not.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018.

    Args:
        axes: matplotlib axes.
        ratios: dict from the name of a network to a dict from layer to an array (T, T) of ratios,
            such as `keras_mtl.gradients.update_compliance` gives. Layers stand in the order in
            which they come; a network need not have all of them. NaN is left out.

    Returns:
        The axes.

    Raises:
        ValueError: there are no layers; ratios are not of T × T tasks, T of 2 or more, or not from
            0 to 1.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> axes = keras_mtl.plots.update_compliance(plt.subplot(), {
    ...     "shared": {"conv1": [[1, 0.4], [0.4, 1]], "conv2": [[1, 0.3], [0.3, 1]]},
    ...     "modulated": {"conv1": [[1, 0.6], [0.6, 1]], "conv2": [[1, 0.7], [0.7, 1]]}})
    """
    layers = list(dict.fromkeys(layer for of_network in ratios.values() for layer in of_network))
    if not layers:
        raise ValueError(f"`ratios` must hold at least one layer. Received: {ratios}.")
    pairs = {
        (network, layer): task_pairs(f"ratios[{network!r}][{layer!r}]", values)
        for network, of_network in ratios.items()
        for layer, values in of_network.items()
    }
    axes.axhline(0.5, color="0.6", linewidth=0.8)
    width = 0.8 / len(ratios)
    for index, network in enumerate(ratios):
        offset = (index - (len(ratios) - 1) / 2) * width
        xs, ys, means = [], [], []
        for place, layer in enumerate(layers):
            values = pairs.get((network, layer), np.empty(0))
            # Spread evenly, in the order of the pairs, so that equal ratios do not hide each other.
            spread = (np.arange(len(values)) + 0.5) / max(len(values), 1) - 0.5
            xs.extend(place + offset + 0.6 * width * spread)
            ys.extend(values)
            means.append(known_mean(values))
        # Many pairs make smaller dots.
        size = np.clip(1500 / max(len(ys), 1), 3, 20)
        color = f"C{index}"
        axes.scatter(xs, ys, s=size, color=color, alpha=0.4, linewidths=0, zorder=2)
        centers = np.arange(len(layers)) + offset
        ends = centers - 0.4 * width, centers + 0.4 * width
        axes.hlines(means, *ends, color=color, linewidth=2.5, label=network, zorder=3)
    long = max(map(len, layers)) * len(layers) > 60
    style: dict[str, Any] = {"rotation": 60, "ha": "right"} if long else {}
    axes.set_xticks(range(len(layers)), layers, **style)
    axes.set_xlim(-0.6, len(layers) - 0.4)
    axes.set_ylim(-0.03, 1.03)
    axes.set_ylabel("update compliance ratio")
    axes.grid(axis="y", alpha=0.3)
    # Above, since dots may be anywhere.
    axes.legend(fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), ncols=4, frameon=False)
    return axes
