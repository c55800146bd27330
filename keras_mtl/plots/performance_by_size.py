"""What a network's size buys: performance against parameters, or another cost."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Axes

MARKERS = "osD^vP"


def performance_by_size(
    axes: Axes,
    series: Mapping[str, Sequence[tuple[float, ArrayLike]]],
    *,
    xlabel: str = "parameters",
    interval: bool = False,
) -> Axes:
    """Draws the performance of networks against their size, such as of searched and random trees.

    A point is the mean over the seeds, its bar their standard deviation, or the 95 % interval of
    the mean. The points of a series are joined from the smallest to the largest network.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, section 4.

    Args:
        axes: matplotlib axes.
        series: dict from a name to a list of `(size, values)`, `values` the performance of a
            network of that size, a number or one for each seed; NaN where one is missing. A
            network without any is left out, and so is a series.
        xlabel: what the size is measured in.
        interval: whether bars are the intervals of a t test, which seeds of one network have not.

    Returns:
        The axes.

    Raises:
        ValueError: `series` is no such dict, or a size is not finite.

    Example:

    >>> import matplotlib.pyplot as plt, keras_mtl.plots
    >>> axes = keras_mtl.plots.performance_by_size(plt.subplot(), {
    ...     "searched": [(2.1e6, [71.2, 71.9]), (4.4e6, [74.0, 73.1])],
    ...     "one-task": [(9.8e6, 73.5)]})
    """
    from matplotlib.ticker import EngFormatter

    if not isinstance(series, dict) or not all(
        isinstance(points, (list, tuple)) for points in series.values()
    ):
        raise ValueError(
            "`series` must be a dict from a name to a list of pairs `(size, values)`. "
            f"Received: {series!r}."
        )
    for index, (name, points) in enumerate(series.items()):
        rows = [_size_mean_spread(name, point, interval) for point in points]
        rows = sorted(row for row in rows if row is not None)
        if not rows:
            continue
        sizes, means, spreads = np.transpose(rows)
        axes.errorbar(
            *(sizes, means, spreads),
            label=name,
            color=f"C{index}",
            marker=MARKERS[index % len(MARKERS)],
            markersize=5,
            linestyle="-" if len(set(sizes)) > 1 else "none",
            capsize=3,
        )
    axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
    axes.set_xlabel(xlabel)
    axes.set_ylabel("performance")
    axes.grid(alpha=0.3)
    if axes.containers:
        axes.legend(fontsize=8)
    return axes


def _size_mean_spread(name, point, interval):
    """A point of the figure, or `None` if it has no values."""
    try:
        size, values = point
        size, values = float(size), np.asarray(values, float)
    except (TypeError, ValueError):
        size, values = np.nan, None
    if not np.isfinite(size) or values.ndim > 1:
        raise ValueError(
            f"`series[{name!r}]` must hold pairs `(size, values)`, a finite number and one or more "
            f"numbers. Received: {point!r}."
        )
    values = values[~np.isnan(values)]
    if not values.size:
        return None
    mean, count = values.mean(), values.size
    spread = values.std(ddof=1) if count > 1 else np.nan
    if interval and count > 1:
        from scipy.stats import t

        spread *= t.ppf(0.975, count - 1) / np.sqrt(count)
    return size, mean, spread
