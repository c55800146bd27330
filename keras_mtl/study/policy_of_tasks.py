"""Policies that are chosen by what a search has found."""

import dataclasses
import json
from typing import Any

import keras
import numpy as np

from keras_mtl._files import whole_file
from keras_mtl.search import prune
from keras_mtl.sharing import AdaShared, Sharing
from keras_mtl.study._digest import digest
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.choice import Choice


@keras.saving.register_keras_serializable("keras_mtl")
@dataclasses.dataclass(frozen=True)
class PolicyOfTasks(Choice):
    """The policy, of a search, under which its network is best on the validation examples.

    Best by the mean gain over the one-task networks.

    Source: Sun et al., AdaShare, NeurIPS 2020; the authors choose on the test examples.

    Attributes:
        drawn: policies that are drawn, beside the most probable one.
        rank: 0 for the best one, 1 for the next, and so on.
    """

    drawn: int = 8
    rank: int = 0

    def choose(self, study: AnyStudy, training: Any) -> Sharing:
        ranked = self._ranked(study, training)
        return AdaShared(ranked[min(self.rank, len(ranked) - 1)])

    def largest(self) -> Sharing:
        return AdaShared()

    def _ranked(self, study, training):
        """All policies, the best first: dicts from task to a string of ones and zeros."""
        search, *baseline = training.chosen_from
        looked_at = [each.hash for each in training.chosen_from]
        key = digest([self.drawn, study.choosing, training.seed, *looked_at])
        path = study.folder / "networks" / f"{key}.policies.json"
        if path.exists():
            return json.loads(path.read_text())
        model = study.network(search)
        layer = model.get_layer("skip_policy")
        drawn = [layer.sample(1000 * training.seed + number) for number in range(self.drawn)]
        found = {}
        for each in [layer.decisions(), *drawn]:
            policy = dict(zip(layer.tasks, map(_as_text, each), strict=True))
            if json.dumps(policy) not in found:
                gain = study.validation_gain([prune(model, policy)], baseline)
                found[json.dumps(policy)] = gain
        ranked = [json.loads(text) for text in sorted(found, key=found.get, reverse=True)]
        with whole_file(path) as unfinished:
            unfinished.write_text(json.dumps(ranked))
        return ranked


@keras.saving.register_keras_serializable("keras_mtl")
@dataclasses.dataclass(frozen=True)
class RandomPolicy(Choice):
    """As many blocks of each task are skipped as in other networks' best, but by chance."""

    needs_all = False

    def choose(self, study: AnyStudy, training: Any) -> Sharing:
        rng = np.random.default_rng(training.seed)
        baseline = study.baseline.networks(study, training.seed)
        model = study.network(study.best_of(training.chosen_from, baseline))
        policy = model.get_config()["sharing"]["config"]["policy"]
        return AdaShared({task: rng.permutation(row) for task, row in policy.items()})

    def largest(self) -> Sharing:
        return AdaShared()


def _as_text(row):
    return "".join(str(int(value)) for value in row)
