"""Figure 2 of the cross-stitch paper: where should two tasks part?"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import names
from keras_mtl._types import Axes


def split_performance(
    axes: Axes,
    splits: Sequence[str],
    scores: Mapping[str, ArrayLike],
    baseline: Mapping[str, ArrayLike],
    *,
    lower_is_better: str | Iterable[str] = (),
) -> Axes:
    """Draws what every Split architecture does to each task, in percent of its one-task network.

    Above the zero line a task gains from sharing. A point is the mean over the seeds, its bar their
    standard deviation; the best split of each task is marked by a star.

    Source: Misra et al., CVPR 2016, Figure 2.

    Args:
        axes: matplotlib axes.
        splits: names of the splits, in the order of the network.
        scores: dict from task to its scores, an array (splits,) or (splits, seeds); NaN where one
            is missing.
        baseline: dict from task to the score of its one-task network, a number or an array
            (seeds,), of which the mean counts.
        lower_is_better: names of the tasks whose score is an error; less of it is drawn as a gain.

    Returns:
        The axes.

    Raises:
        ValueError: scores are not one a split, the baseline lacks a task or is zero, or
            `lower_is_better` names an unknown task.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> axes = keras_mtl.plots.split_performance(
    ...     plt.subplot(), ["conv1", "conv2"],
    ...     scores={"parts": [[0.61, 0.63], [0.57, 0.58]], "normals": [31.0, 33.5]},
    ...     baseline={"parts": [0.60, 0.60], "normals": 32.0},
    ...     lower_is_better=["normals"])
    """
    lower_is_better = names(lower_is_better, "lower_is_better")
    unknown = sorted(set(lower_is_better) - set(scores))
    if unknown:
        raise ValueError(
            f"`lower_is_better` must name tasks of `scores`: {list(scores)}. Received: {unknown}."
        )
    axes.axhline(0, color="black", linewidth=0.8, label="one-task network")
    for index, (task, values) in enumerate(scores.items()):
        change = _relative_change(task, splits, values, baseline)
        change = -change if task in lower_is_better else change
        # Side by side, or the bars of one task would hide those of another.
        position = np.arange(len(splits)) + 0.08 * (index - (len(scores) - 1) / 2)
        mean = change.mean(axis=1).filled(np.nan)
        spread = change.std(axis=1, ddof=1).filled(np.nan)  # of a single seed: none
        style: dict[str, Any] = {"color": f"C{index}", "capsize": 3, "marker": "o", "markersize": 4}
        axes.errorbar(position, mean, spread, label=task, **style)
        best = np.nanargmax(mean)
        axes.plot(position[best], mean[best], "*", color=f"C{index}", markersize=15)
    axes.set_xticks(np.arange(len(splits)), splits)
    axes.set_ylabel("change to one-task (%)")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8)
    return axes


def _relative_change(task, splits, values, baseline):
    """Change in percent (splits, seeds), masked where a score is missing."""
    values = np.asarray(values, float)
    if values.ndim not in (1, 2) or len(values) != len(splits):
        raise ValueError(
            f"`scores[{task!r}]` must be of shape ({len(splits)},) or ({len(splits)}, seeds), a "
            f"row for each split. Received: shape {values.shape}."
        )
    if task not in baseline or not np.mean(baseline[task]):
        raise ValueError(
            f"`baseline` must hold a score other than 0 for task {task!r}. Received: {baseline}."
        )
    one_task = np.mean(baseline[task])
    values = np.ma.masked_invalid(values.reshape(len(splits), -1))
    return 100 * (values - one_task) / abs(one_task)
