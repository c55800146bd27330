"""Weights of classes by how rare they are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import VOID, check_integer
from keras_mtl._types import Array


def class_weights(
    labels: ArrayLike,
    num_classes: int | None = None,
    *,
    each_attribute: bool = False,
    missing: float | Sequence[float] = (-1, VOID),
    power: float = 1.0,
) -> Array:
    """Weights inversely proportional to how often each class is a label.

    Give them to `fit(class_weight={"species": …})` of a `MultiTaskModel`, or to
    `Task(class_weight=…)`. They average 1 over the labels, so that a loss stays as large as it was.

    Args:
        labels: integers of any shape, such as those of rows (N,) or of pixels (N, H, W); or, with
            `each_attribute`, 0 and 1 (…, K). What is NaN or missing does not count.
        num_classes: number of classes C; one more than the highest label if `None`.
        each_attribute: whether each of the K places on the last axis is a question of its own.
        missing: numbers that mark what is not known.
        power: exponent of the frequencies: 0.5 weighs the rare ones less, 0 not at all.

    Returns:
        A float64 array (C,), or (K, 2) of the weights of no and yes. A class that is nowhere has
        the weight 1.

    Raises:
        ValueError: labels that are no whole numbers from 0 below `num_classes`, or none at all.

    Example:

    >>> import keras_mtl
    >>> keras_mtl.losses.class_weights([0, 0, 0, 1, -1]).round(3).tolist()
    [0.667, 2.0]
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"`labels` must be numbers. Received: dtype={labels.dtype}.")
    known = ~(np.isnan(labels) | np.isin(labels, missing))
    highest = labels[known].max() if known.any() else None
    if (
        highest is None
        or (labels[known] != np.floor(labels[known])).any()
        or labels[known].min() < 0
    ):
        raise ValueError(
            "`labels` must hold whole numbers from 0, and some that are known. "
            f"Received: {np.unique(labels[known])[:10].tolist()}."
        )
    least = 2 if each_attribute else int(highest) + 1
    if each_attribute and (highest > 1 or num_classes not in (None, 2) or not labels.ndim):
        raise ValueError(
            f"`labels` must be 0 and 1 with `each_attribute`. Received: up to {highest}, "
            f"num_classes={num_classes}."
        )
    count = least if num_classes is None else check_integer("num_classes", num_classes, least)
    questions = labels.shape[-1] if each_attribute else 1
    columns = zip(labels.reshape(-1, questions).T, known.reshape(-1, questions).T, strict=True)
    weights = [_weights(of_one[there], count, power) for of_one, there in columns]
    return np.array(weights if each_attribute else weights[0])


def _weights(labels, count, power):
    often = np.bincount(labels.astype("int64"), minlength=count)
    weights = np.where(often, np.maximum(often, 1.0) ** -power, 0)
    total = (often * weights).sum()
    return np.where(often, weights * labels.size / (total or 1), 1.0)
