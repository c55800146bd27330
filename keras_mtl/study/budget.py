"""How long the networks of a study learn, and at which rates."""

import dataclasses
from collections.abc import Iterable, Mapping

from keras_mtl._check_integer import check_integer


@dataclasses.dataclass(frozen=True)
class Budget:
    """Steps of every network, in two parts: behind the first one others start from it.

    Attributes:
        first: steps of the first part; or a dict of those of each task's own network, of which
            networks of several tasks have the most.
        second: steps of the second part.
        annealed: whether the rate rises in the first tenth of the first part, and falls to zero by
            a cosine in the second.
        falls_after: steps of the first part after which the rate falls to a tenth, and stays
            there; of a budget that is not annealed.

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
    falls_after: int | None = None

    def __post_init__(self) -> None:
        steps = self.first.values() if isinstance(self.first, Mapping) else [self.first]
        for each in (*steps, self.second):
            check_integer("steps", each, 1)
        if self.annealed and self.falls_after is not None:
            raise ValueError(
                "`falls_after` must be None where rates are annealed. "
                f"Received: falls_after={self.falls_after}."
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
        """Steps of the first part of a network of some tasks."""
        if not isinstance(self.first, Mapping):
            return self.first
        return max(self.first[task] for task in tasks)

    def rates(self, part: str) -> dict[str, str | int | None]:
        """What a `Training` says of its rate in the `"first"` or the `"second"` part."""
        if self.annealed:
            return {"schedule": "rising" if part == "first" else "falling"}
        falls_after = self.falls_after
        if falls_after is not None and part == "second":
            falls_after = 0  # It goes on with the low rate.
        return {"schedule": "constant", "falls_after": falls_after}
