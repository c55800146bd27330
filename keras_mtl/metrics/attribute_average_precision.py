"""Average precision of each attribute."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array
from keras_mtl.metrics.average_precision import average_precision


def attribute_average_precision(
    scores: ArrayLike, labels: ArrayLike, interpolation: Literal["area", "11-point"] = "area"
) -> Array:
    """Average precision of each of A attributes over M objects.

    Args:
        scores: Array (M, A), probabilities or logits.
        labels: Array (M, A): 1 where an object has an attribute, 0 where not, -1 where it is
            unknown and does not count.
        interpolation: `"area"` or `"11-point"`, as in `average_precision`.

    Returns:
        Array (A,) of float64; NaN for an attribute that no object has. The mean over attributes
        is `np.nanmean`.

    Raises:
        ValueError: The shapes differ, a score is NaN, a label is none of 1, 0 and -1, or the
            interpolation is unknown.

    Source: the measure of Misra et al., Cross-stitch Networks for Multi-task Learning, CVPR 2016,
    section 6.1; `average_precision`.

    Example:

    >>> from keras_mtl.metrics import attribute_average_precision
    >>> scores = [[0.9, 0.1], [0.8, 0.7], [0.3, 0.6]]
    >>> print(attribute_average_precision(scores, labels=[[1, 0], [-1, 1], [0, 1]]))
    [1. 1.]
    """
    scores, labels = np.asarray(scores), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape:
        raise ValueError(
            "`scores` and `labels` must be of one shape (M, A). "
            f"Received: {scores.shape} and {labels.shape}"
        )
    if not np.isin(labels, (-1, 0, 1)).all():
        raise ValueError(f"`labels` must be 1, 0 or -1. Received: {np.unique(labels)}")
    return np.array(
        [
            average_precision(column[known >= 0], known[known >= 0], interpolation=interpolation)
            for column, known in zip(scores.T, labels.T, strict=True)
        ]
    )
