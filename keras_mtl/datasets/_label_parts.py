"""Which rows of a table networks learn from, choices are made by, and reports are of."""

import numpy as np

from keras_mtl._text import few

SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
"""Names of the parts, and what tables call them."""


def parts_of(whole, shares, seed, told=None, column=None):
    """Numbers of the rows of each part, drawn, or as a column tells.

    Args:
        whole: numbers of all rows that count.
        shares: of the parts, where they are drawn.
        seed: of the draw.
        told: `None`, or the cells of that column.
        column: its name.
    """
    parts = _drawn(whole, shares, seed) if told is None else _as_told(told, whole, column)
    for part, rows in parts.items():
        if not len(rows):
            raise ValueError(
                f"every part must have rows. Received: none for {part}, of {len(whole)} rows."
            )
    return parts


def _drawn(whole, shares, seed):
    shares = np.asarray(shares, float)
    if shares.shape != (3,) or not (shares >= 0).all() or not shares.sum() > 0:
        raise ValueError(
            f"`shares` must be three numbers from 0, for train, validation and test. "
            f"Received: shares={shares.tolist()}."
        )
    order = np.random.default_rng(seed).permutation(whole)
    ends = np.round(np.cumsum(shares / shares.sum()) * len(whole)).astype(int)
    starts = [0, *ends[:-1]]
    return {
        part: np.sort(order[start:end])
        for part, start, end in zip(SPLITS, starts, ends, strict=True)
    }


def _as_told(cells, whole, column):
    known = {word: part for part, words in SPLITS.items() for word in words}
    wrong = sorted({cell for cell in cells if cell.lower() not in known})
    if wrong:
        raise ValueError(
            f"column {column!r} must say train, validation or test in every row. "
            f"Received: {few([repr(each) for each in wrong])}."
        )
    told = np.array([known[cells[row].lower()] for row in whole])
    return {part: np.asarray(whole)[told == part] for part in SPLITS}
