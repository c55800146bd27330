"""Trees of tasks that are chosen by what the tasks' own networks have learned."""

import dataclasses
import itertools
import json
import math
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl.search import TreeReport, rank_trees, tree_dissimilarity
from keras_mtl.sharing import Branched, Sharing
from keras_mtl.study._digest import digest
from keras_mtl.study._types import AnyStudy
from keras_mtl.study.choice import Choice

IMAGES = 500
"""So many validation images are shown to networks that are compared by what they make of them."""
PERMUTATIONS = 5000
"""Of many tasks so many orders are drawn, and the others left out."""


@keras.saving.register_keras_serializable("keras_mtl")
@dataclasses.dataclass(frozen=True)
class TreeOfTasks(Choice):
    """The tree in which the tasks' own networks are least unlike, within a budget.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020.

    Attributes:
        budget: how many parameters it may have, from 0, those of hard sharing, to 1, those of
            networks of their own; or `None`, if `copies` says it.
        copies: as many parameters as so many copies of the tower.
        locations: names of the stages behind which tasks may part; all if `None`.
        places: of the tasks in the tree: `"best"`; or, in a tree of the same shape and size that
            the best one must beat, `"random"` or `"worst"`. Of so many tasks that not all orders
            can be seen some are drawn.
    """

    budget: float | None = None
    copies: int | None = None
    locations: Sequence[str] | None = None
    places: Literal["best", "random", "worst"] = "best"

    def __post_init__(self) -> None:
        check_choice("places", self.places, ("best", "random", "worst"))
        if (self.budget is None) == (self.copies is None):
            raise ValueError(
                "`budget` or `copies` must be given, and not both. "
                f"Received: budget={self.budget}, copies={self.copies}."
            )

    def choose(self, study: AnyStudy, training: Any) -> Sharing:
        report = tree_report(study, training.chosen_from, self.locations)
        best = report.front[report.position(self._parameters(study, training, report))].tree
        if self.places == "best":
            return Branched(best)
        others = _permuted(best, report.tasks, [training.seed, self.copies or 0, 1])
        if self.places == "worst":
            return Branched(max(others, key=lambda tree: _dissimilarity(tree, report)))
        rng = np.random.default_rng([training.seed, self.copies or 0])
        return Branched(others[rng.integers(len(others))])

    def largest(self) -> Sharing:
        return Branched.independent()

    def _parameters(self, study, training, report):
        least, most = (report.front[end].parameters for end in (0, -1))
        if self.budget is not None:
            return least + self.budget * (most - least)
        if self.copies >= len(training.outputs):
            raise ValueError(
                f"`copies` must be below the number of tasks, {len(training.outputs)}, which "
                f"share nothing with more. Received: copies={self.copies}."
            )
        # The first tree is one tower that all tasks share.
        return least + (self.copies - 1) * study.tower(training.seed).model.count_params()


def tree_report(
    study: AnyStudy, one_task: Sequence[Any], locations: Sequence[str] | None = None
) -> TreeReport:
    """How alike one-task networks are, and the best tree for every budget; kept in a file.

    Args:
        study: the `Study`.
        one_task: trainings of a network for each task, which have ended.
        locations: as of `TreeOfTasks`.
    """
    key = digest([locations, study.choosing, *(each.hash for each in one_task)])
    path = study.folder / "networks" / f"{key}.trees.json"
    if not path.exists():
        rank_trees(
            {each.outputs[0][0]: study.network(each) for each in one_task},
            study.validation.first(IMAGES),
            study.tower(one_task[0].seed),
            locations=locations,
            # A narrow network that has learned little may see nothing at all in an image.
            undefined="zero",
            verbose=0,
        ).save(path)
    return TreeReport.load(path)


def _permuted(best, tasks, seed):
    """Other trees of a shape, or the same if there is no other."""
    if math.factorial(len(tasks)) <= PERMUTATIONS:
        orders = itertools.permutations(tasks)
    else:
        rng = np.random.default_rng(seed)
        orders = (rng.permutation(tasks).tolist() for _ in range(PERMUTATIONS))
    trees = {}
    for order in (tasks, *orders):
        place = dict(zip(tasks, order, strict=True))
        tree = {
            location: sorted(sorted(place[task] for task in group) for group in partition)
            for location, partition in best.items()
        }
        trees[json.dumps(tree)] = tree
    _, *others = trees.values()  # The first one is as it was.
    return others or [best]


def _dissimilarity(tree, report):
    number = {task: index for index, task in enumerate(report.tasks)}
    numbered = [
        [tuple(number[task] for task in group) for group in partition]
        for partition in tree.values()
    ]
    return tree_dissimilarity(numbered, report.affinity)
