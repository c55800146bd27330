"""How well a network knows each class or attribute of a task."""

from typing import Any

import numpy as np

from keras_mtl._types import Array
from keras_mtl.metrics import attribute_average_precision


class ByClass:
    """Counts labels and predictions, batch by batch.

    Args:
        task: a `Task` of classes or attributes.
    """

    def __init__(self, task: Any) -> None:
        self.task = task
        self.counted = False
        self._confusion: Any = 0
        self._scores: list[Array] = []
        self._labels: list[Array] = []

    @property
    def unit(self) -> str:
        """What the scores are."""
        if self.task.kind == "attributes":
            return "average precision"
        return "IU" if self._of_pixels else "share found"

    def add(self, labels: Array, known: Array, predicted: Array) -> None:
        """Counts some labels, whether each is known, and what a network says of them."""
        self._of_pixels = predicted.ndim > 2
        count = predicted.shape[-1]
        of_attributes = self.task.kind == "attributes"
        if labels.size * (1 if of_attributes else count) != predicted.size:
            return  # A network that says less than there are pixels.
        self.counted = True
        if of_attributes:
            labels, known, scores = (each.reshape(-1, count) for each in (labels, known, predicted))
            self._labels.append(np.where(known, labels, -1).astype(int))
            self._scores.append(scores)
            return
        labels, known = (each.reshape(predicted.shape[:-1]) for each in (labels, known))
        known = known & (labels >= 0) & (labels < count)
        cells = labels[known].astype(int) * count + predicted.argmax(axis=-1)[known]
        self._confusion += np.bincount(cells, minlength=count**2).reshape(count, count)

    def scores(self) -> list[float]:
        """By class; NaN of one that is not there."""
        if self.task.kind == "attributes":
            labels, scores = np.concatenate(self._labels), np.concatenate(self._scores)
            return attribute_average_precision(scores, labels).tolist()
        hits, truths = np.diagonal(self._confusion), self._confusion.sum(axis=1)
        whole = truths + self._confusion.sum(axis=0) - hits if self._of_pixels else truths
        share = np.divide(hits, whole, out=np.full(len(hits), np.nan), where=whole > 0)
        return np.where(truths > 0, share, np.nan).tolist()
