"""How well scores rank the positives before the others."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

INTERPOLATIONS = ("area", "11-point")


def average_precision(
    scores: ArrayLike,
    positives: ArrayLike,
    num_positives: int | None = None,
    interpolation: Literal["area", "11-point"] = "area",
) -> float:
    """Average precision of one ranking, as PASCAL VOC defines it.

    The precision at a recall is the best at that or any higher recall. Equal scores are one
    threshold: the result does not depend on the order of the entries. (The VOC development kit
    ranks equal scores as its sort leaves them.)

    AP ranks the whole test set, and has no value for a batch: it is a function of the predictions
    rather than a Keras metric. Its mean over classes is `np.nanmean`.

    Args:
        scores: Array (M,), higher for what is more likely positive.
        positives: Array (M,), True or 1 where it is positive, False or 0 where not.
        num_positives: Number of positives there are, of which some may not have been found; by
            default those of `positives`.
        interpolation: `"area"` under the interpolated curve (VOC since 2010), or `"11-point"`,
            the mean at the recalls 0, 0.1, …, 1 (VOC to 2009).

    Returns:
        A float from 0 to 1; NaN if there are no positives.

    Raises:
        ValueError: The shapes differ, a score is NaN, `positives` are not 0 or 1 or are more than
            `num_positives`, or the interpolation is unknown.

    Source: Everingham et al., The PASCAL Visual Object Classes (VOC) Challenge, IJCV 2010,
    section 4.2; "area" as in the development kit of VOC 2010.

    Example:

    >>> from keras_mtl.metrics import average_precision
    >>> average_precision([0.9, 0.8, 0.7, 0.6], [True, False, True, False])
    0.8333333333333333
    """
    scores, positives = np.asarray(scores, "float64"), np.asarray(positives)
    if scores.ndim != 1 or positives.shape != scores.shape:
        raise ValueError(
            "`scores` and `positives` must be of one shape (M,). "
            f"Received: {scores.shape} and {positives.shape}"
        )
    if np.isnan(scores).any():
        raise ValueError(f"`scores` must not be NaN. Received: NaN in {np.isnan(scores).sum()}")
    if not np.isin(positives, (0, 1)).all():
        raise ValueError(f"`positives` must be 0 or 1. Received: {np.unique(positives)}")
    positives = positives.astype(bool)
    num_positives = positives.sum() if num_positives is None else num_positives
    if num_positives < positives.sum():
        raise ValueError(
            f"`num_positives` must be at least the {positives.sum()} of `positives`. "
            f"Received: {num_positives}"
        )
    if interpolation not in INTERPOLATIONS:
        raise ValueError(f"`interpolation` must be of {INTERPOLATIONS}. Received: {interpolation}")
    if num_positives == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])  # of equals
    hits = np.cumsum(positives[order])[last]
    best = np.maximum.accumulate((hits / (last + 1))[::-1])[::-1]
    if interpolation == "area":
        return float(np.sum(np.diff(hits, prepend=0) * best) / num_positives)
    # Recall >= level in whole numbers: 3 / 10 is below the float 0.1 * 3.
    at_level = np.searchsorted(10 * hits, np.arange(11) * num_positives)
    return float(np.append(best, 0.0)[at_level].mean())
