"""Queries and the images that were found for them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array, Figure
from keras_mtl.plots.pyplot import pyplot

FRAMES = {None: "0.3", True: "#2a9d3a", False: "#d62728"}  # Query, right, wrong.


def neighbours(
    queries: Array,
    found: Array,
    right: ArrayLike | None = None,
    titles: Sequence[str] | None = None,
) -> Figure:
    """Draws a figure with a row for each query: the query, then its neighbours, nearest first.

    The query stands apart at the left, in a dark frame. Where it is known what is right, right
    neighbours have a green frame and wrong ones a red, dashed one.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018, which shows what is retrieved for each task.

    Args:
        queries: array (Q, height, width, 3) of pixels from 0 to 255.
        found: array (Q, k, height, width, 3) of the neighbours' pixels; their size may be another.
        right: booleans (Q, k), whether a neighbour is of the query's kind; by default unknown.
        titles: texts of the Q rows, such as the task and the label, written at the left.

    Returns:
        A matplotlib figure.

    Raises:
        ValueError: a shape or the number of titles does not fit.

    Example:

    >>> import numpy as np, keras_mtl.plots
    >>> figure = keras_mtl.plots.neighbours(
    ...     np.zeros((1, 8, 8, 3), "uint8"), np.zeros((1, 2, 8, 8, 3), "uint8"),
    ...     right=[[True, False]], titles=["heel: flat"])
    """
    queries, found = np.asarray(queries), np.asarray(found)
    if queries.ndim != 4 or queries.shape[-1] != 3 or not len(queries):
        raise ValueError(
            f"`queries` must be (Q, height, width, 3). Received: shape {queries.shape}."
        )
    if found.ndim != 5 or found.shape[-1] != 3 or len(found) != len(queries) or not found.shape[1]:
        raise ValueError(
            f"`found` must be ({len(queries)}, k, height, width, 3), k images for each of the "
            f"queries. Received: shape {found.shape}."
        )
    shape = found.shape[:2]
    right = None if right is None else np.asarray(right)
    if right is not None and right.shape != shape:
        raise ValueError(f"`right` must be of shape {shape}. Received: shape {right.shape}.")
    if titles is not None and len(titles) != len(queries):
        raise ValueError(
            f"`titles` must be {len(queries)}, one for each query. Received: {len(titles)}."
        )
    figure, axes = pyplot().subplots(
        shape[0],
        shape[1] + 2,
        figsize=(1.1 * (shape[1] + 1.25) + 1.3 * (titles is not None), 1.1 * shape[0]),
        width_ratios=[1, 0.25, *[1] * shape[1]],  # Empty, what sets the query apart.
        squeeze=False,
        layout="constrained",
    )
    for row, (first, gap, *others) in enumerate(axes):
        gap.set_axis_off()
        _draw(first, queries[row], None, 2.5)
        if titles is not None:
            first.set_ylabel(titles[row], rotation=0, ha="right", va="center", fontsize=9)
        for place, axis in enumerate(others):
            is_right = None if right is None else bool(right[row, place])
            _draw(axis, found[row, place], is_right, 2.5 * (right is not None))
    return figure


def _draw(axis, image, right, width):
    axis.imshow(np.clip(image, 0, 255).astype("uint8"))
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set(color=FRAMES[right], linewidth=width, visible=width > 0)
        if right is False:
            spine.set(linestyle=(0, (2, 1)), capstyle="butt")
