"""By how much networks are better than others, by the scores that a table compares them by."""

import math

import numpy as np

from keras_mtl.search import relative_gain

BASELINE = "one-task"
"""The row with which the others are compared."""


def compared_scores(headlines, scores):
    """The scores of each task by which networks are compared.

    Args:
        headlines: dict from task to the name of a score, or a tuple of names.
        scores: dict from task to a dict from name to score, and whatever else.

    Returns:
        A dict from task to a score, or to a dict of several.
    """
    return {
        task: scores[task][name]
        if isinstance(name, str)
        else {each: scores[task][each] for each in name}
        for task, name in headlines.items()
        if task in scores
    }


def gain(headlines, lower_is_better, scores, baseline):
    """Mean relative gain in % by those scores; `lower_is_better` may name tasks that are absent."""
    ours, theirs = (compared_scores(headlines, each) for each in (scores, baseline))
    known = {*ours}.union(*(each for each in ours.values() if isinstance(each, dict)))
    return float(relative_gain(ours, theirs, [name for name in lower_is_better if name in known]))


def size(of_row, key):
    """Parameters or MACs of a row, the mean over its seeds, whose networks may differ in size."""
    return np.mean([entry.get(key, of_row[key]) for entry in of_row["seeds"].values()])


def seed_gains(table, results, row, part=None):
    """Mean relative gain in % of a row over the one-task networks, for each seed that both have.

    By the scores on the test images, or by those of a `part` where there are such.
    """
    baseline = scored(results, BASELINE)
    if row == BASELINE:
        return []
    problem = table.problem
    return [
        gain(
            problem.headlines,
            problem.lower_is_better,
            *(each.get(part, each) for each in (entry, baseline[seed])),
        )
        for seed, entry in scored(results, row).items()
        if seed in baseline
    ]


def scored(results, row):
    """The entries of a row by seed: those that are there and have not diverged."""
    entries = results["rows"].get(row, {"seeds": {}})["seeds"]
    return {seed: entry for seed, entry in entries.items() if "diverged" not in entry}


def headline(table, entry):
    """The score of each task by which networks are compared, or a dict of several."""
    return compared_scores(table.problem.headlines, entry)


def best_row(table, results):
    """Name of the best of the competing rows by mean relative gain, or `None`.

    By the validation images; of tables that have no scores of such by those of the test.
    """
    gains = {
        row: np.mean(seed_gains(table, results, row, "validation"))
        for row in table.competing
        if seed_gains(table, results, row)
    }
    finite = {row: gain for row, gain in gains.items() if math.isfinite(gain)}
    return max(finite, key=finite.get) if finite else None
