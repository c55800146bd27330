"""The scores of a contender with one seed."""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterable

from keras_mtl.study._digest import digest
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.records import locked
from keras_mtl.study.training import Training


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """Networks of a contender that are scored together: plain data.

    Attributes:
        contender: its name.
        seed: the seed.
        networks: their trainings; each task is in one of them at least.
        scored: digest of what they are scored on, and by.
        baseline: the trainings of the one-task networks, if the best one of the networks by its
            gain over those, on the validation examples, is the row's; else none.
    """

    contender: str
    seed: int
    networks: tuple[Training, ...]
    scored: str
    baseline: tuple[Training, ...] = ()

    @functools.cached_property
    def hash(self) -> str:
        """A name made of all that decides the scores."""
        networks = [[each.hash for each in of] for of in (self.networks, self.baseline)]
        return digest({"row": networks, "scored": self.scored})

    @property
    def name(self) -> str:
        return f"seed {self.seed}, {self.contender}: scores"

    @property
    def trainings(self) -> list[Training]:
        """All that its networks are made by."""
        return with_all_before(self.networks)

    @property
    def after(self) -> tuple[Training, ...]:
        """The trainings that must have ended before the networks are scored."""
        return (*self.networks, *self.baseline)

    def taken(self, study: AnyStudy) -> tuple[Training, ...]:
        """The trainings whose networks are scored: all, or the best one."""
        if not self.baseline:
            return self.networks
        return (study.best_of(self.networks, self.baseline),)

    def run(self, study: AnyStudy, at: Callable[..., None] | None = None) -> None:
        """Scores the networks on the validation and the test examples, and writes a record.

        There are no steps to tell `at` of.
        """
        with locked(study.folder / "networks" / f"{self.hash}.lock"):
            if not study.record_of(self):
                self._score(study)

    def _score(self, study):
        began = time.monotonic()
        # One of several candidates is enough.
        needed = (self.baseline, self.networks) if self.baseline else (self.networks,)
        found = {"failed": study.failure(*needed)}
        if found["failed"] is None:
            taken = self.taken(study)
            models = [study.network(each) for each in taken]
            costs = [study.cost_of(model) for model in models]
            found = {
                "validation": study.scores(models, study.validation),
                "test": study.scores(models, study.test),
                "parameters": sum(each.parameters for each in costs),
                "macs": sum(each.macs for each in costs),
                "taken": [each.hash for each in taken],
                "steps": sum(study.record_of(each)["steps"] for each in self.trainings),
            }
        study.records.append(
            {
                "kind": "row",
                "hash": self.hash,
                "contender": self.contender,
                "seed": self.seed,
                "networks": [each.hash for each in self.networks],
                **found,
                "seconds": round(time.monotonic() - began, 2),
                "versions": study.versions,
            }
        )


def with_all_before(trainings: Iterable[Training]) -> list[Training]:
    """Trainings with all that they depend on, each once, none before what it depends on."""
    found: dict[str, Training] = {}

    def add(training):
        if training.hash not in found:
            for each in training.after:
                add(each)
            found[training.hash] = training

    for training in trainings:
        add(training)
    return list(found.values())
