"""How long the networks of a study learn, and at which rates."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from keras_mtl._checks import check_integer


@dataclasses.dataclass(frozen=True)
class Budget:
    """Steps of every network, in two parts: behind the first one others start from it.

    Attributes:
        first: steps of the first part; or a dict of those of each task's own network, of which
            networks of several tasks have the most. With 0 there is only the second part.
        second: steps of the second part.
        annealed: whether the rate falls to zero by a cosine in the second part.
        warm_up: whether the rate rises in the first tenth of the first part; `annealed` if `None`.
        falls_every: steps, over both parts, after which the rate falls, again and again; of a
            budget that is not annealed.
        falls_by: the factor by which it falls then.

    Raises:
        ValueError: no steps, or both kinds of rates.

    Example:

    >>> import keras_mtl
    >>> budget = keras_mtl.study.Budget.of(500)
    >>> budget.first, budget.second
    (250, 250)
    """

    first: int | Mapping[str, int]
    second: int
    annealed: bool = True
    warm_up: bool | None = None
    falls_every: int | None = None
    falls_by: float = 0.1

    def __post_init__(self) -> None:
        for each in self.first.values() if isinstance(self.first, Mapping) else [self.first]:
            check_integer("steps", each, 1 if isinstance(self.first, Mapping) else 0)
        check_integer("steps", self.second, 1)
        if self.falls_every is not None:
            check_integer("falls_every", self.falls_every, 1)
            if self.annealed:
                raise ValueError(
                    "`falls_every` must be None where rates are annealed. "
                    f"Received: falls_every={self.falls_every}."
                )

    @classmethod
    def of(cls, steps: "int | Budget") -> "Budget":
        """Halves of a number of steps, or a budget as it is."""
        if isinstance(steps, Budget):
            return steps
        steps = check_integer("steps", steps, 2)
        return cls(steps // 2, steps - steps // 2)

    def check(self, tasks: Iterable[str]) -> None:
        """Raises a `ValueError` unless there are steps for each task."""
        if isinstance(self.first, Mapping) and (missing := set(tasks) - set(self.first)):
            raise ValueError(
                f"`first` must have steps for {sorted(missing)}. Received: {dict(self.first)}."
            )

    def first_of(self, tasks: Iterable[str]) -> int:
        """Steps of the first part of a network of some tasks; of unknown ones the most."""
        if not isinstance(self.first, Mapping):
            return self.first
        return max(self.first.get(task, max(self.first.values())) for task in tasks)

    def rates(self, part: str) -> dict[str, Any]:
        """What a `Training` says of its rate in the `"first"` or the `"second"` part."""
        if part == "second" and self.annealed:
            return {"schedule": "falling"}
        if part == "first" and (self.annealed if self.warm_up is None else self.warm_up):
            return {"schedule": "rising"}
        if self.falls_every is None:
            return {"schedule": "constant"}
        before = 0 if part == "first" else self._longest
        return {"schedule": "constant", "falls": (self.falls_every, self.falls_by, before)}

    @property
    def _longest(self):
        return max(self.first.values()) if isinstance(self.first, Mapping) else self.first
