"""A policy as a picture: which task executes which block."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Axes
from keras_mtl.plots._cells import name_cells, write_numbers


def policy_map(axes: Axes, policy: ArrayLike, tasks: Sequence[str], blocks: Sequence[str]) -> Axes:
    """Draws a policy, a row of cells for each task and a column for each block.

    A decision fills a cell if the task executes the block, and leaves it pale if it skips it. A
    probability shades the cell and is written into it, without its leading zero.

    Args:
        axes: matplotlib axes.
        policy: array (T, L): bool, true where a block is executed, such as
            `SkipPolicy.decisions()`; or float, its probability, such as a step of
            `keras_mtl.callbacks.read_policies`.
        tasks: names of the T tasks.
        blocks: names of the L blocks.

    Returns:
        The axes.

    Raises:
        ValueError: the policy is not of T × L cells, or no decisions or probabilities.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> policy = [[True, False, True], [True, True, True]]
    >>> axes = keras_mtl.plots.policy_map(
    ...     plt.subplot(), policy, ["segmentation", "normals"], ["block1", "block2", "block3"])
    """
    policy = np.asarray(policy)
    if policy.shape != (len(tasks), len(blocks)):
        raise ValueError(
            f"`policy` must be of shape ({len(tasks)}, {len(blocks)}), tasks × blocks. "
            f"Received: shape {policy.shape}."
        )
    if policy.dtype != bool and not ((policy >= 0) & (policy <= 1)).all():
        raise ValueError(f"`policy` must be bool, or float from 0 to 1. Received: {policy}.")
    colors = np.array([_shaded(f"C{row}", each) for row, each in enumerate(policy.astype(float))])
    axes.imshow(colors, aspect="equal")
    if policy.dtype != bool:
        write_numbers(axes, policy, colors)
    name_cells(axes, tasks, blocks)
    return axes


def _shaded(color, probabilities):
    """Colours (L, 3) from a pale grey, of a probability of 0, to a colour, of 1."""
    from matplotlib.colors import to_rgb

    pale = np.array(to_rgb("0.94"))
    return pale + probabilities[:, None] * (np.array(to_rgb(color)) - pale)
