"""How much better a network is than a baseline, over tasks with different scores."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import names
from keras_mtl._types import Array


def relative_gain(
    scores: Mapping[str, ArrayLike | Mapping[str, ArrayLike]],
    baseline: Mapping[str, ArrayLike | Mapping[str, ArrayLike]],
    lower_is_better: str | Iterable[str] = (),
) -> float | Array:
    """The mean over the tasks of the relative change in %, positive for the better.

    Source: the relative performance Δ of Sun et al., "AdaShare", NeurIPS 2020, section 4.

    Args:
        scores: dict from task name to a score, or to an array of scores (one a seed); or to a dict
            of several scores, whose changes are averaged into the task's.
        baseline: the same of the baseline; its scores must not be zero.
        lower_is_better: names of the tasks, or of single scores of theirs, that are errors.

    Returns:
        A float, or an array if the scores are arrays; NaN where a score is.

    Raises:
        ValueError: the tasks differ, or `lower_is_better` names what is not there.

    Example:

    >>> import keras_mtl
    >>> gain = keras_mtl.search.relative_gain(
    ...     {"species": 0.88, "age": 4.5}, {"species": 0.8, "age": 5.0}, lower_is_better=["age"])
    >>> float(round(gain, 3))
    10.0
    """
    if set(scores) != set(baseline) or any(
        isinstance(score, dict) != isinstance(baseline[task], dict)
        for task, score in scores.items()
    ):
        raise ValueError(
            "`scores` and `baseline` must be of the same tasks. "
            f"Received: {sorted(scores)} and {sorted(baseline)}."
        )
    known = {*scores}.union(*(score for score in scores.values() if isinstance(score, dict)))
    lower_is_better = names(lower_is_better, "lower_is_better")
    unknown = sorted(set(lower_is_better) - known)
    if unknown:
        raise ValueError(f"`lower_is_better` has unknown tasks {unknown}; known: {sorted(known)}.")
    changes = []
    for task, score in scores.items():
        before = baseline[task]
        if isinstance(score, dict) and isinstance(before, dict):
            all_are_errors = task in lower_is_better
            errors = [name for name in score if all_are_errors or name in lower_is_better]
            changes.append(relative_gain(score, before, errors))
            continue
        # Not divided by a negative baseline's sign: a higher score is better whatever its sign.
        before = np.asarray(before, float)
        with np.errstate(divide="ignore", invalid="ignore"):  # A score of 0 has no relative gain.
            change = 100 * (np.asarray(score, float) - before) / np.abs(before)
        changes.append(-change if task in lower_is_better else change)
    return np.mean(np.array(changes), axis=0)[()]
