"""Trees of tasks: the searched ones, and those that they must beat."""

import functools
import itertools
import json
import math

import numpy as np

from keras_mtl.search import TreeReport, rank_trees, tree_dissimilarity
from keras_mtl.sharing import Branched

COMPARED_IMAGES = 500
"""The paper's number of images on which representations are compared."""
PERMUTATIONS = 5000
"""Of many tasks so many orders are drawn, and the others left out."""


class TreeRows:
    """The branched networks of a table; mixed into its `Networks`.

    Budgets are in copies of the tower: with 1 the tasks share everything, with as many as there are
    tasks nothing. All trees start from the same one-task networks. The trees that a searched one
    must beat have its shape, and so its size, but other tasks in the places; of so many tasks that
    not all orders can be seen, some are drawn.
    """

    locations = None
    """Where tasks may part; all stages if `None`."""
    undefined = "raise"
    """As of `keras_mtl.search.affinity`: whether images without features are refused."""

    def _compared_images(self):
        """The images on which one-task networks are compared."""
        raise NotImplementedError

    @functools.cached_property
    def one_task_models(self):
        """The network of every task, from which trees are searched, and start."""
        return {task: self.one_task(task) for task in self.tasks}

    @functools.cached_property
    def report(self):
        """The best trees for all budgets, also kept as `trees.json`."""
        path = self.folder / "trees.json"
        if not path.exists():
            models = self.one_task_models
            rank_trees(
                models,
                self._compared_images(),
                models[self.tasks[0]].tower(self.tasks[0]),
                locations=self.locations,
                undefined=self.undefined,
                verbose=0,
            ).save(path)
        return TreeReport.load(path)

    def tree(self, copies):
        """The best tree of a budget."""
        if copies >= len(self.tasks):
            raise SystemExit(
                f"A budget of {copies} copies leaves {len(self.tasks)} tasks nothing to share: "
                "leave its --rows out."
            )
        front, task = self.report.front, self.tasks[0]
        network = self.one_task_models[task]
        tower = network.count_params() - network.head(task).count_params()
        # The first tree is one tower that all tasks share.
        budget = front[0].parameters + (copies - 1) * tower
        return front[self.report.position(budget)].tree

    def branched(self, copies):
        return self._from_one_task(self.tree(copies), f"branched_{copies}")

    def random_tree(self, copies):
        others = self._permuted(copies)
        rng = np.random.default_rng([self.seed, copies])
        return self._from_one_task(others[rng.integers(len(others))], f"random_tree_{copies}")

    def worst_tree(self, copies):
        worst = max(self._permuted(copies), key=self._dissimilarity)
        return self._from_one_task(worst, f"worst_tree_{copies}")

    def _permuted(self, copies):
        """Other trees of the shape of the searched one, or that one if there is no other."""
        searched = self.tree(copies)
        if math.factorial(len(self.tasks)) <= PERMUTATIONS:
            orders = itertools.permutations(self.tasks)
        else:
            rng = np.random.default_rng([self.seed, copies, 1])
            orders = (rng.permutation(self.tasks).tolist() for _ in range(PERMUTATIONS))
        trees = {}
        for order in orders:
            place = dict(zip(self.tasks, order, strict=True))
            tree = {
                location: sorted(sorted(place[task] for task in group) for group in partition)
                for location, partition in searched.items()
            }
            trees[json.dumps(tree)] = tree
        same = {
            location: sorted(sorted(group) for group in partition)
            for location, partition in searched.items()
        }
        trees.pop(json.dumps(same), None)
        return list(trees.values()) or [searched]

    def _dissimilarity(self, tree):
        number = {task: index for index, task in enumerate(self.report.tasks)}
        numbered = [
            [tuple(number[task] for task in group) for group in partition]
            for partition in tree.values()
        ]
        return tree_dissimilarity(numbered, self.report.affinity)

    def _from_one_task(self, tree, name):
        def started():
            model = self._build(Branched(tree), self.tasks, self.seed)
            return model.initialize_from(*self.one_task_models.values())

        return self._fit_further(started, self.tasks, name, self.seed)
