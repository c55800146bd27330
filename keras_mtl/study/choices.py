"""Sharings that are not known before other networks are trained."""

import dataclasses
from typing import Any

import keras
import numpy as np

from keras_mtl._types import Config
from keras_mtl.search import prune, rank_trees, relative_gain
from keras_mtl.sharing import AdaShared, Branched, Sharing
from keras_mtl.study._types import AnyStudy

IMAGES = 500
"""So many images are shown to networks that are compared by what they make of them."""
CANDIDATES = 8
"""Policies that are drawn, beside the most probable one."""


class Choice:
    """A sharing that is chosen by what other networks have learned."""

    def choose(self, study: AnyStudy, training: Any) -> Sharing:
        """The sharing of a `Training`; those that it is chosen from have ended."""
        raise NotImplementedError

    def largest(self) -> Sharing:
        """A sharing that costs no less than what will be chosen."""
        raise NotImplementedError

    def get_config(self) -> Config:
        return dataclasses.asdict(self)  # type: ignore[call-overload]


@keras.saving.register_keras_serializable("keras_mtl")
@dataclasses.dataclass(frozen=True)
class TreeOfTasks(Choice):
    """The tree in which the tasks' own networks are least unlike, within a budget.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020.

    Attributes:
        budget: how many parameters it may have, from 0, those of hard sharing, to 1, those of
            networks of their own.
    """

    budget: float

    def choose(self, study: AnyStudy, training: Any) -> Sharing:
        models = {
            output: study.network(each)
            for (output, _), each in zip(training.outputs, training.chosen_from, strict=True)
        }
        report = rank_trees(
            models,
            study.train.first(IMAGES),
            study.tower(training.seed),
            undefined="zero",
            verbose=0,
        )
        least, most = (report.front[end].parameters for end in (0, -1))
        return Branched(report.front[report.position(least + self.budget * (most - least))].tree)

    def largest(self) -> Sharing:
        return Branched.independent()


@keras.saving.register_keras_serializable("keras_mtl")
@dataclasses.dataclass(frozen=True)
class PolicyOfTasks(Choice):
    """The policy, of a search, under which its network is best on the validation examples.

    Source: Sun et al., AdaShare, NeurIPS 2020; the authors choose on the test examples.
    """

    def choose(self, study: AnyStudy, training: Any) -> Sharing:
        model = study.network(training.chosen_from[0])
        layer = model.get_layer("skip_policy")
        drawn = [layer.sample(1000 * training.seed + number) for number in range(CANDIDATES)]
        policies = [
            dict(zip(layer.tasks, map(_as_text, each), strict=True))
            for each in [layer.decisions(), *drawn]
        ]
        headlines = [
            study.headlines(study.scores([prune(model, policy)], study.validation))
            for policy in policies
        ]
        gains = [relative_gain(each, headlines[0], study.lower_is_better) for each in headlines]
        return AdaShared(policies[int(np.argmax(np.nan_to_num(gains, nan=-np.inf)))])

    def largest(self) -> Sharing:
        return AdaShared()


def _as_text(row):
    return "".join(str(int(value)) for value in row)
