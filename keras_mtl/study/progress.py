"""How far a study is."""

import time
from collections.abc import Sequence
from typing import Any

from keras_mtl.study._types import AnyStudy
from keras_mtl.study._work import duration, work
from keras_mtl.study.row import Row
from keras_mtl.study.training import Training

EVERY = 20
"""Seconds between two lines while nothing ends."""


class Progress:
    """Tells in lines how far a study is.

    A launcher calls it with what has ended, and may tell it how far a training is. For another form
    override `has_ended`, `goes_on`, and, where there is something to open and close, `__enter__`
    and `__exit__`.

    Args:
        study: the `Study`.
        jobs: trainings and rows that are to be run.

    Attributes:
        running: dict from the hash of each training that is known to run to the training, the step
            that it is at, and its loss.

    Example:

    >>> import keras_mtl
    >>> class Quiet(keras_mtl.study.Progress):  # study.run(progress=Quiet)
    ...     def goes_on(self, training):
    ...         pass
    """

    def __init__(self, study: AnyStudy, jobs: Sequence[Training | Row]) -> None:
        self.study, self._left = study, {job.hash: work(study, job) for job in jobs}
        self.count, self._work = len(jobs), sum(self._left.values())
        self.running: dict[str, tuple[Training, int, float]] = {}
        self._began = self._told = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: Any) -> None:
        pass

    def __call__(self, job: Training | Row) -> None:
        """What has ended, or failed."""
        del self._left[job.hash]
        self.running.pop(job.hash, None)
        self.has_ended(job)

    def at(self, training: Training, step: int, loss: float) -> None:
        """A training is at a step; to be called often."""
        if training.hash not in self.running:  # What another run has done took no time of this one.
            self._work -= self._left[training.hash] * (step - 1) / training.steps
        self.running[training.hash] = training, step, loss
        self.goes_on(training)

    def has_ended(self, job: Training | Row) -> None:
        """Tells of it."""
        self.tell(self.study.record_of(job).get("failed") or job.name)

    def goes_on(self, training: Training) -> None:
        """Tells of it now and then."""
        if time.monotonic() - self._told > EVERY:
            self.tell(in_words(*self.running[training.hash]))

    def tell(self, text: str) -> None:
        """Prints a line, with how many have ended and what time is left."""
        self._told = time.monotonic()
        print("; ".join(filter(None, [f"{self.ended}: {text}", self.time_left])), flush=True)

    @property
    def ended(self) -> str:
        """How many jobs have ended, in words."""
        return f"{self.count - len(self._left)} of {self.count}"

    @property
    def share(self) -> float:
        """Of the work that is done, from 0 to 1."""
        # Lists: what shows it may ask in a thread of its own.
        done = {job.hash: step / job.steps for job, step, _ in list(self.running.values())}
        left = sum(size * (1 - done.get(name, 0)) for name, size in list(self._left.items()))
        return 1 - left / self._work if self._work else 1.0

    @property
    def time_left(self) -> str:
        """That in words; empty while nothing is known, and at the end."""
        share, spent = self.share, time.monotonic() - self._began
        seconds = spent * (1 - share) / share if share > 0 else 0
        return f"about {duration(seconds)} left" if seconds >= 1 else ""


def in_words(training: Training, step: int, loss: float) -> str:
    """How far a training is."""
    return f"{training.name}: step {step} of {training.steps}, loss {loss:.4g}"
