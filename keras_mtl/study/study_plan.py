"""What a study will do, before it does it."""

import timeit

import keras
import numpy as np

from keras_mtl._text import text_table
from keras_mtl.study._types import AnyStudy
from keras_mtl.study._work import duration, work
from keras_mtl.study.row import with_all_before

SHARE_OF_PRODUCT = 0.15
"""Of the speed of one large matrix product a network is trained at."""


class StudyPlan:
    """The trainings of a study, with what they cost; `print` shows it.

    Attributes:
        trainings: number of networks to be trained.
        known: so many of them have been.
        macs: multiply-accumulates of those that have not, an estimate.
        seconds: about how long they take; from what this folder's trainings took, or, if there are
            none, from the speed of a matrix product: then it may be off by a factor of three.
    """

    def __init__(self, study: AnyStudy) -> None:
        waiting = {job.hash for job in study.waiting()}
        self.trainings = len(study.trainings)
        left = [each for each in study.trainings if each.hash in waiting]
        self.known = self.trainings - len(left)
        self.macs = sum(study.macs(each) for each in left)
        self.seconds = sum(work(study, each) for each in left) / _speed(study)
        self._study = study
        self._lines = [self._line(row, waiting) for row in study.rows if row.seed == 0]

    def _line(self, row, waiting):
        needed = with_all_before(row.networks)
        costs = [self._study.cost(each) for each in row.networks]
        refused = next((each for each in costs if isinstance(each, str)), None)
        if refused is not None:
            return [row.contender, refused]
        return [
            row.contender,
            f"{len(needed)}",
            f"{sum(each.hash in waiting for each in needed)}",
            f"{sum(each.steps for each in needed):,}",
            f"{sum(each.parameters for each in costs):,}",
            f"{sum(each.macs for each in costs) / 1e6:,.1f}",
        ]

    @property
    def summary(self) -> str:
        """How many networks there are to train, and about how long that takes, in a sentence."""
        seeds = f"{self._study.seeds} seed{'s' * (self._study.seeds > 1)}"
        done = f", {self.known} of them done" if self.known else ""
        left = f", about {duration(self.seconds)}" if self.known < self.trainings else ""
        return f"{self.trainings} networks to train with {seeds}{done}{left}."

    def __str__(self) -> str:
        study = self._study
        heading = ["", "trainings", "new", "steps", "parameters", "M MACs"]
        text = text_table([heading, *self._lines])
        how = {
            "keep": "all seeds start from the backbone's weights",
            "draw": "each seed draws its own weights",
        }[study.backbone.weights]
        return (
            f"Stages end at {', '.join(study.tower(0).stages)}; {how}.\n"
            f"Networks of one seed, with all that they start from:\n\n{text}\n\n"
            f"{self.summary} {self.macs / 1e12:,.3g} T MACs to go. Everything goes to "
            f"{study.folder}; a run that is stopped goes on where it was."
        )


def _speed(study):
    """Multiply-accumulates a second that trainings here go at, with what they cost beside them."""
    done = [
        (work(study, each), study.record_of(each)["seconds"])
        for each in study.trainings
        if study.record_of(each) and not study.record_of(each).get("failed")
    ]
    if done:
        macs, seconds = np.sum(done, axis=0)
        return macs / seconds
    matrix = keras.ops.ones((1024, 1024), "float32")

    def product():
        keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix)[:1])  # It is waited for.

    # The first one starts threads; what others run here meanwhile counts in all but the fastest.
    return SHARE_OF_PRODUCT * 1024**3 / min(timeit.repeat(product, number=1, repeat=20))
