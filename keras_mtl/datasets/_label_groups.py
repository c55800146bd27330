"""Which rows have which label, to draw from again and again."""

import numpy as np


class LabelGroups:
    """The rows of a label array by their label, sorted once.

    Args:
        labels: Integers (N,), -1 where unknown.
        name: What errors call them.
    """

    def __init__(self, labels, name="labels"):
        labels = np.asarray(labels)
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise ValueError(
                f"`{name}` must be integers (N,). Received: {labels.dtype} of shape {labels.shape}."
            )
        known = np.flatnonzero(labels != -1)
        self._rows = known[np.argsort(labels[known], kind="stable")]
        values, self._counts = np.unique(labels[known], return_counts=True)
        self._starts = np.cumsum(self._counts) - self._counts
        self._pairable = np.flatnonzero(self._counts > 1)
        if len(values) < 2 or not len(self._pairable):
            raise ValueError(
                f"`{name}` must have two known labels or more, one of them in two rows or more. "
                f"Received: {dict(zip(values.tolist(), self._counts.tolist(), strict=True))}, "
                "rows by label."
            )

    def triplets(self, number, rng):
        """Rows of anchor, positive and negative, int64 (number, 3)."""
        own = self._pairable[rng.integers(len(self._pairable), size=number)]
        anchor = rng.integers(self._counts[own])
        positive = rng.integers(self._counts[own] - 1)
        positive += positive >= anchor
        other = rng.integers(len(self._counts) - 1, size=number)
        other += other >= own
        negative = rng.integers(self._counts[other])
        places = np.stack([anchor, positive, negative], axis=1)
        return self._rows[self._starts[np.stack([own, own, other], axis=1)] + places]
