"""How a policy learns: the probability of every block over the steps of training."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_mtl._types import Array, Figure
from keras_mtl.plots.pyplot import pyplot


def policy_history(
    history: Mapping[int, Array], tasks: Sequence[str], blocks: Sequence[str]
) -> Figure:
    """Draws with what probability each task executes each block, against the step of training.

    A panel for each task, a row of it for each block, the first at the top. Blue is executed, red
    is skipped, white undecided.

    Args:
        history: dict from step to an array (T, L) of probabilities, such as
            `keras_mtl.callbacks.read_policies` gives.
        tasks: names of the T tasks.
        blocks: names of the L blocks.

    Returns:
        A matplotlib figure.

    Raises:
        ValueError: the history is empty, or an array in it is not of T × L.

    Example:

    >>> import keras_mtl.plots
    >>> history = {0: [[0.5, 0.5]], 100: [[0.7, 0.4]], 200: [[0.9, 0.1]]}
    >>> figure = keras_mtl.plots.policy_history(history, ["normals"], ["block1", "block2"])
    """
    wanted = (len(tasks), len(blocks))
    wrong = [np.shape(policy) for policy in history.values() if np.shape(policy) != wanted]
    if wrong or not history:
        raise ValueError(
            f"`history` must hold probabilities of shape {wanted}, tasks × blocks. "
            f"Received: {wrong[0] if wrong else history}."
        )
    steps = sorted(history)
    policies = np.array([history[step] for step in steps])
    edges, rows = _edges(steps), np.arange(len(blocks) + 1) - 0.5
    figure, axes = pyplot().subplots(
        *(1, len(tasks)),
        figsize=(1.6 + 2.6 * len(tasks), 1.2 + 0.2 * len(blocks)),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axis, task, policy in zip(axes[0], tasks, np.moveaxis(policies, 1, 0), strict=True):
        image = axis.pcolormesh(edges, rows, policy.T, cmap="RdBu", vmin=0, vmax=1)
        axis.hlines(rows[1:-1], edges[0], edges[-1], color="white", linewidth=1)
        axis.set_ylim(rows[-1], rows[0])
        axis.set_title(task)
        axis.set_xlabel("step")
        axis.tick_params(axis="y", length=0)
        axis.spines[:].set_visible(False)
    axes[0, 0].set_yticks(range(len(blocks)), blocks)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02, ticks=[0, 0.5, 1])
    bar.set_label("probability to execute")
    bar.outline.set_visible(False)
    return figure


def _edges(steps):
    """Where the colour changes: midway between the steps."""
    middle = (np.array(steps[1:]) + steps[:-1]) / 2
    # A single step has no neighbours to end midway to.
    first, last = (steps[0], steps[-1]) if len(steps) > 1 else (steps[0] - 0.5, steps[0] + 0.5)
    return np.array([first, *middle, last])
