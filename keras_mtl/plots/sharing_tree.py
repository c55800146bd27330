"""Which tasks share which stages: a tree as a picture."""

from collections.abc import Mapping

import numpy as np

from keras_mtl._types import Axes, Partition
from keras_mtl.plots.pyplot import pyplot
from keras_mtl.sharing._tree_nodes import tree_nodes

NUMBER_SIZE = 6.5  # In points, of the numbers in the dots.
DOT_SIZES = (9, 17)  # Diameters in points, of two tasks or few of many, and of all.
LONE_DOT_SIZE = 4.5


def sharing_tree(axes: Axes, tree: Mapping[str, Partition]) -> Axes:
    """Draws a tree of stages, from the image at the top to the tasks at the bottom.

    A dot is a group of tasks that share a stage, the larger and darker the more they are; where a
    group starts, their number stands in it. The tasks are in an order in which no lines cross.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, Figure 1.

    Args:
        axes: matplotlib axes.
        tree: dict from stage to partition of the tasks, as of `keras_mtl.sharing.Branched`, the
            shallowest stage first. The partitions are lists of groups, lists of task names.

    Returns:
        The axes.

    Raises:
        ValueError: `tree` is no such dict, or one of its partitions does not hold every task once,
            or joins tasks that parted before.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> axes = keras_mtl.plots.sharing_tree(plt.subplot(), {
    ...     "conv1": [["parts", "depth", "normals"]], "conv2": [["parts", "normals"], ["depth"]],
    ...     "fc": [["parts"], ["normals"], ["depth"]]})
    """
    tasks = [task for root in tree_nodes(tree) for task in _in_order(root)]
    x = _places(tree, tasks)
    for row in range(len(tree) + 1):
        _draw_lines(axes, row, x[row], x[row + 1])
    above = {}
    for row in range(1, len(tree) + 1):
        above = _draw_dots(axes, row, x[row], above)
    axes.plot(x[0, 0], 0, marker="s", color="0.3", markersize=9)
    _name_rows_and_tasks(axes, ["image", *tree], tasks)
    return axes


def _in_order(node):
    """The tasks of a node, those together that part last."""
    return [task for child in node.children for task in _in_order(child)] or node.tasks


def _places(tree, tasks):
    """Where the group of each task stands, (rows, tasks): image, stages, the tasks themselves."""
    column = {task: index for index, task in enumerate(tasks)}
    x = np.zeros((len(tree) + 2, len(tasks)))
    x[0], x[-1] = (len(tasks) - 1) / 2, np.arange(len(tasks))
    for row, partition in enumerate(tree.values(), start=1):
        for group in partition:
            members = [column[task] for task in group]
            x[row, members] = np.mean(members)
    return x


def _draw_lines(axes, row, x, x_below):
    from matplotlib.collections import LineCollection

    links, counts = np.unique(np.stack([x, x_below], axis=1), axis=0, return_counts=True)
    fall = np.linspace(0, 1, 25)
    # Upright at both ends; all of a row bend alike, so that they keep their order.
    across = links[:, :1] + np.diff(links) * fall**2 * (3 - 2 * fall)
    curves = np.stack([across, np.broadcast_to(row + fall, across.shape)], axis=-1)
    share = _share(counts, len(x))
    axes.add_collection(
        LineCollection(
            curves, linewidths=1 + 2.5 * share, colors=_shades(share), capstyle="round", zorder=1
        )
    )


def _draw_dots(axes, row, x, above):
    """Draws a stage; returns the number of tasks of each of its groups, by their place."""
    places, counts = np.unique(x, return_counts=True)
    share = _share(counts, len(x))
    smallest, largest = DOT_SIZES
    diameters = np.where(counts > 1, smallest + share * (largest - smallest), LONE_DOT_SIZE)
    axes.scatter(places, np.full(len(places), row), diameters**2, _shades(share), zorder=2)
    groups = dict(zip(places, counts, strict=True))
    for place, count in groups.items():
        if count > 1 and above.get(place) != count:
            style = {"color": "white", "fontsize": NUMBER_SIZE, "va": "center_baseline"}
            axes.text(place, row, count, ha="center", **style)
    return groups


def _share(counts, num_tasks):
    """From 0, of one task, to 1, of all; a step for each doubling."""
    return np.log(counts) / np.log(max(num_tasks, 2))


def _shades(share):
    return pyplot().get_cmap("Blues")(0.4 + 0.6 * share)


def _name_rows_and_tasks(axes, rows, tasks):
    axes.set_xlim(-0.6, len(tasks) - 0.4)
    axes.set_ylim(len(rows) + 0.05, -0.5)
    axes.set_yticks(range(len(rows)), rows)
    room = 72 * axes.get_window_extent().width / axes.figure.dpi / len(tasks)  # In points.
    long = max(len(str(task)) for task in tasks) * 6.5 > room
    axes.set_xticks(range(len(tasks)), tasks, rotation=90 if long else 0)
    axes.tick_params(length=0)
    if long:  # Side by side, a line of text needs its height.
        axes.tick_params(axis="x", labelsize=min(10, 0.85 * room))
    axes.spines[:].set_visible(False)
