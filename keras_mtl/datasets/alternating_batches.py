"""Batches of two data sets in turn: one phase learns the weights, the next one the policy."""

from typing import Any

import numpy as np

from keras_mtl._checks import check_integer

from ._ordered_batches import OrderedBatches
from ._refuse_workers import refuse_workers


class AlternatingBatches(OrderedBatches):
    """Rounds of two phases: some batches of one data set, then some of another.

    AdaShare learns a network's weights on one part of the training set and its policy on the other,
    a phase of each in turn. An epoch of this data set is a round: `steps[0]` batches of `weights`,
    then `steps[1]` of `policy`. Each part goes through its own epochs at its own pace: the n-th
    batch that it ever gives, n = `epoch` · steps + place in the phase, is batch n mod len(part) of
    its epoch n div len(part).

    So every batch is a pure function of `epoch` and its place: a run that starts with `epoch=k`
    sees the batches that an uninterrupted run sees from its round k on. Call `fit` with
    `shuffle=False`: Keras would mix the batches of the phases, and a `MultiTaskModel` refuses it.
    `ArrayBatches` says how to tie `epoch` to `fit`'s own count. The parts' own `epoch` has no
    effect and stays as it is.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020, section 3.

    Args:
        weights: An `ArrayBatches` or `RoIBatches`: the part that the weights learn from.
        policy: Another, with the same inputs and targets: the part that the policy learns from.
        steps: Batches in each of the two phases, `(of weights, of policy)`; by default all of each
            part.
        epoch: The round to start with, counted from 0. It can be set at any time.
        **kwargs: As of `keras.utils.PyDataset`, but `workers` above 1 and `use_multiprocessing` are
            refused: give them to the parts that can read ahead.

    Attributes:
        parts: Dict of the two, `weights` and `policy`.
        steps: The pair of integers.

    Raises:
        ValueError: A part is no such data set, the parts differ in the names of their inputs or
            targets, or an argument is out of range.

    Example:

    >>> from keras_mtl.datasets import AlternatingBatches, ArrayBatches
    >>> part = lambda numbers: ArrayBatches(
    ...     np.array(numbers), {"task": np.array(numbers)}, batch_size=1, shuffle=False)
    >>> data = AlternatingBatches(part([1, 2, 3]), part([10, 20]), steps=(2, 1))
    >>> [int(images[0]) for images, _ in data]
    [1, 2, 10]
    >>> data.epoch = 1
    >>> [int(images[0]) for images, _ in data]
    [3, 1, 20]
    """

    in_order = True

    def __init__(
        self,
        weights: OrderedBatches,
        policy: OrderedBatches,
        steps: tuple[int, int] | None = None,
        epoch: int = 0,
        **kwargs: Any,
    ) -> None:
        refuse_workers(kwargs, "they are for the parts")
        self.parts = {"weights": weights, "policy": policy}
        for name, part in self.parts.items():
            if not isinstance(part, OrderedBatches):
                raise ValueError(
                    f"`{name}` must be an ArrayBatches or RoIBatches. "
                    f"Received: {name} of type {type(part).__name__}"
                )
        _check_alike(weights, policy)
        steps = (len(weights), len(policy)) if steps is None else steps
        if np.shape(steps) != (2,):
            raise ValueError(
                f"`steps` must be a pair (of weights, of policy) or None. Received: {steps!r}"
            )
        self.steps = tuple(
            check_integer(f"steps[{place}]", count, 1) for place, count in enumerate(steps)
        )
        # What is put in order here are batches: a round has `sum(steps)` of them.
        super().__init__(sum(self.steps), 1, False, 0, epoch, False, **kwargs)

    def _make(self, epoch, index):
        of_policy = index >= self.steps[0]
        part = self.parts["policy" if of_policy else "weights"]
        place = index - self.steps[0] if of_policy else index
        return part._at(epoch * self.steps[of_policy] + place)


def _check_alike(weights, policy):
    """Refuses parts whose batches have other names: they could not train one model."""
    batches = zip(weights._make(0, 0), policy._make(0, 0), strict=True)
    for kind, batch in zip(("inputs", "targets"), batches, strict=True):
        ours, theirs = (sorted(each) if isinstance(each, dict) else None for each in batch)
        if ours != theirs:
            raise ValueError(
                f"`weights` and `policy` must have {kind} of the same names. "
                f"Received: {ours} and {theirs}"
            )
