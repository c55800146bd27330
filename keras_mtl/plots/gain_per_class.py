"""Figures 5 and 6 of the cross-stitch paper: who gains from sharing?"""

from collections.abc import Sequence

import numpy as np

from keras_mtl._types import Array, Axes


def gain_per_class(
    axes: Axes,
    names: Sequence[str],
    gains: Sequence[float] | Array,
    counts: Sequence[float] | Array,
    *,
    unit: str = "IU",
) -> Axes:
    """Draws each class's gain over the baseline, from the rarest class to the most frequent.

    Source: Misra et al., CVPR 2016, Figures 5 and 6.

    Args:
        axes: matplotlib axes.
        names: names of the classes.
        gains: score of the multi-task network minus that of the baseline; NaN where a class
            does not occur in the test data.
        counts: number of training labels of each class, drawn as a line on a log scale.
        unit: what the gain is measured in.

    Returns:
        The axes.

    Raises:
        ValueError: names, gains and counts are not of one length.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> axes = keras_mtl.plots.gain_per_class(
    ...     plt.subplot(), ["bag", "wall"], [0.02, -0.001], [300, 90000])
    """
    from matplotlib.ticker import LogFormatter

    if not len(names) == len(gains) == len(counts):
        raise ValueError(
            "`names`, `gains` and `counts` must be of one length. "
            f"Received: {len(names)}, {len(gains)}, {len(counts)}."
        )
    order = np.argsort(counts, kind="stable")
    gains, counts = np.asarray(gains, float)[order], np.asarray(counts)[order]
    position = np.arange(len(order))
    axes.bar(position, gains, color=np.where(gains < 0, "C3", "C0"))
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xticks(position, [names[index] for index in order], rotation=60, ha="right")
    axes.set_ylabel(f"gain in {unit} over one-task")
    line = axes.twinx()
    line.plot(position, np.maximum(counts, 1), color="black")
    line.set_yscale("log")
    # Numbers as they are, which need no setting of formulas.
    line.yaxis.set_major_formatter(LogFormatter())
    line.yaxis.set_minor_formatter(LogFormatter())
    line.set_ylabel("training labels")
    return axes
