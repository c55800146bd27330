"""A policy as a picture: which task executes which block."""

import numpy as np


def policy_map(axes, policy, tasks, blocks):
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
        _write_numbers(axes, policy, colors)
    axes.set_yticks(range(len(tasks)), tasks)
    long = max(len(str(block)) for block in blocks) > 2
    axes.set_xticks(range(len(blocks)), blocks, rotation=90 if long else 0)
    _part_cells(axes, *policy.shape)
    return axes


def _shaded(color, probabilities):
    """Colours (L, 3) from a pale grey, of a probability of 0, to a colour, of 1."""
    from matplotlib.colors import to_rgb

    pale = np.array(to_rgb("0.94"))
    return pale + probabilities[:, None] * (np.array(to_rgb(color)) - pale)


def _write_numbers(axes, policy, colors):
    brightness = colors @ [0.299, 0.587, 0.114]
    for (row, column), probability in np.ndenumerate(policy):
        text = f"{probability:.2f}".removeprefix("0")
        color = "0.15" if brightness[row, column] > 0.55 else "white"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)


def _part_cells(axes, rows, columns):
    """A white grid between the cells, and no frame."""
    axes.set_xticks(np.arange(columns - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(rows - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
