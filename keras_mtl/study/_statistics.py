"""What differences between contenders are worth, paired by seed."""

import math
from collections.abc import Hashable, Mapping
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array

LEVEL = 0.05
MOST_SEEDS = 1000


Name = TypeVar("Name", bound=Hashable)


class Difference(NamedTuple):
    """The mean of differences that are paired by seed, and how sure it is."""

    mean: float
    low: float
    """Of the 95 % interval, of a paired t test."""
    high: float
    p: float
    """Two-sided; corrected by Holm where several differences are looked at together."""
    pairs: int
    """How many there are."""

    @property
    def ahead(self) -> bool:
        """Whether the seeds bear out that it is above 0."""
        return self.p < LEVEL and self.mean > 0

    @property
    def behind(self) -> bool:
        """Whether the seeds bear out that it is below 0."""
        return self.p < LEVEL and self.mean < 0


def difference(values: ArrayLike) -> Difference:
    """The mean of paired differences with its interval; with one pair nothing is sure."""
    array = np.asarray(values, float)
    count, mean = len(array), float(np.mean(array)) if len(array) else math.nan
    if count < 2 or not np.isfinite(array).all():
        return Difference(mean, -math.inf, math.inf, 1.0, count)
    if np.ptp(array) == 0:
        # Such as of the accuracy on few examples: the same twice says nothing of how it deviates.
        return Difference(mean, -math.inf, math.inf, 1.0, count)
    # Imported here, since `import keras_mtl` costs no more than `import keras`.
    from scipy import stats

    tested = stats.ttest_1samp(array, 0.0)
    low, high = tested.confidence_interval(1 - LEVEL)
    return Difference(mean, float(low), float(high), float(tested.pvalue), count)


def holm(differences: Mapping[Name, Difference]) -> dict[Name, Difference]:
    """The same differences with p-values that hold for all of them together.

    Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal
    of Statistics 1979.
    """
    corrected: dict[Name, Difference] = {}
    largest = 0.0
    ordered = sorted(differences, key=lambda name: differences[name].p)
    for place, name in enumerate(ordered):
        largest = max(largest, min(1.0, differences[name].p * (len(ordered) - place)))
        corrected[name] = differences[name]._replace(p=largest)
    return {name: corrected[name] for name in differences}


def seeds_needed(values: ArrayLike, comparisons: int = 1) -> int | None:
    """How many seeds would tell a mean difference of this size and deviation from 0.

    Args:
        values: differences, paired by seed.
        comparisons: how many differences are looked at together, each of which could be chance.

    Returns:
        The least number at which the test would tell; `None` if that is more than a thousand, or
        cannot be said.
    """
    array: Array = np.asarray(values, float)
    if len(array) < 2 or not np.isfinite(array).all() or not array.mean():
        return None
    from scipy import stats

    deviation, mean = np.std(array, ddof=1), abs(array.mean())
    counts = np.arange(2, MOST_SEEDS + 1)
    critical = stats.t.ppf(1 - LEVEL / comparisons / 2, counts - 1)
    enough = critical * deviation / np.sqrt(counts) < mean
    return int(counts[np.argmax(enough)]) if enough.any() else None
