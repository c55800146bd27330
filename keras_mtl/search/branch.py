"""From one-task networks to one branched network, in one call."""

import dataclasses
import json
import os
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.search.cost import Cost, cost
from keras_mtl.search.representation_similarity import affinities
from keras_mtl.search.trees import best_tree, format_tree, tree_front
from keras_mtl.sharing import Branched
from keras_mtl.towers import Tower, possible_cuts

ROWS = 24
"""As many trees of the front are printed; a file has all."""


class BranchedTree(NamedTuple):
    """A tree of the front, with what a network with it costs, heads included."""

    dissimilarity: float
    parameters: int
    macs: int | None
    """Multiply-accumulates of one example's forward pass; `None` if they cannot be counted."""
    tree: dict
    """From location to partition, as `keras_mtl.sharing.Branched` takes it."""


@dataclasses.dataclass(frozen=True)
class BranchReport:
    """What a search for a tree found; `print` shows it as text."""

    tasks: tuple
    locations: tuple
    affinity: np.ndarray
    """Of every two tasks at every location, (locations, tasks, tasks)."""
    front: tuple
    """The best `BranchedTree` for every budget, the smallest first."""
    chosen: int
    """Position in it of the tree that was taken."""

    def save(self, path):
        """Writes it all as a JSON file, of which "tree" is what `Branched` takes."""
        content = {
            "tree": self.front[self.chosen].tree,
            "tasks": self.tasks,
            "locations": self.locations,
            "affinity": self.affinity.tolist(),
            "front": [each._asdict() for each in self.front],
            "chosen": self.chosen,
        }
        unfinished = Path(path).with_name(f"unfinished_{Path(path).name}")
        unfinished.write_text(json.dumps(content, indent=2) + "\n")
        os.replace(unfinished, path)

    def __str__(self):
        lines = [f"{'parameters':>16}{'MACs':>18}{'dissimilarity':>15}"]
        shown = np.unique(np.linspace(0, len(self.front) - 1, ROWS).round().astype(int))
        for number in sorted({*shown.tolist(), self.chosen}):
            each = self.front[number]
            macs = "unknown" if each.macs is None else f"{each.macs:,}"
            mark = "  <- chosen" if number == self.chosen else ""
            lines.append(f"{each.parameters:>16,}{macs:>18}{each.dissimilarity:>15.4f}{mark}")
        return "\n".join([*lines, "", format_tree(self.front[self.chosen].tree)])


class Branching(NamedTuple):
    """What `branch` returns."""

    tree: dict
    """From location to partition of the tasks."""
    model: MultiTaskModel
    """The branched network, with the weights of the one-task networks, not compiled."""
    report: BranchReport


def branch(
    one_task_models,
    images,
    tower,
    budget,
    *,
    measure="parameters",
    locations=None,
    joins=None,
    batch_size=32,
    verbose=1,
    name="branched",
):
    """Decides what tasks share, by how alike their own networks see images, and builds it.

    The representations of one-task networks are compared (`affinities`), the tree is searched that
    lets the least unlike tasks share within the budget (`tree_front`), and a network with that tree
    is built, in which a stage that tasks share starts from the first one's network. It is to be
    trained on.

    Source: Vandenhende et al., "Branched Multi-Task Networks: Deciding What Layers To Share", BMVC
    2020.

    Args:
        one_task_models: dict from task to its trained network: a `MultiTaskModel` on the tower, or
            a functional Keras model of your own with layers named as the tower's stages; what it
            has behind them is the task's head.
        images: what the networks take, an array (K, …), or a dict or list of them for several
            inputs; the paper takes 500 images.
        tower: the `keras_mtl.towers.Tower` of which the networks consist.
        budget: what the branched network may cost at most, heads included.
        measure: of what `budget` is a number: `"parameters"`, or `"macs"` (multiply-accumulates of
            one example).
        locations: names of the stages at which tasks may part and networks are compared; a stage
            that is not named is shared as the next one that is, and behind the last of them no task
            shares. If `None`, behind every stage with weights and those without that follow it.
        joins: as of `tree_front`.
        batch_size, verbose: as of `affinities`.
        name: name of the branched network.

    Returns:
        A named tuple of the `tree` (a dict from location to partition), the `model` and the
        `report`: `print(report)`, `report.save("tree.json")`.

    Raises:
        ValueError: a budget below that of hard sharing (the message says how much that is); an
            unknown `measure` or location; networks that do not fit the tower; as `affinities`.

    Example:

    >>> import keras, numpy as np, keras_mtl
    >>> def network(outputs):
    ...     image = keras.Input((4,))
    ...     x = keras.layers.Dense(8, activation="tanh", name="first")(image)
    ...     x = keras.layers.Dense(8, activation="tanh", name="second")(x)
    ...     return keras.Model(image, keras.layers.Dense(outputs)(x))
    >>> models = {"age": network(1), "species": network(5)}  # trained, each for its task
    >>> body = keras.Model(models["age"].inputs, models["age"].get_layer("second").output)
    >>> tower = keras_mtl.towers.Tower(body, cuts=["first"])
    >>> images = np.random.default_rng(0).normal(size=(20, 4))
    >>> tree, model, report = keras_mtl.search.branch(
    ...     models, images, tower, budget=250, verbose=0)
    >>> tree
    {'first': [['age', 'species']], 'second': [['age'], ['species']]}
    >>> model.count_params()
    238
    """
    if measure not in Cost._fields:
        raise ValueError(f"`measure` must be one of {list(Cost._fields)}. Received: {measure!r}.")
    tasks = list(one_task_models)
    models = {task: _on_tower(model, task, tower) for task, model in one_task_models.items()}
    heads = {task: model.head(task) for task, model in models.items()}
    if locations is None:
        locations = _ends_of_weighted_stages(tower)
    locations = list(locations)
    sizes, fixed = _sizes(tower, heads, locations, needs_macs=measure == "macs")
    smallest = {key: fixed[key] + sum(sizes[key]) for key in sizes}
    if budget < smallest[measure]:
        raise ValueError(
            f"`budget` must be {smallest[measure]:,} {measure} or more, which the network has in "
            f"which all tasks share everything up to {locations[-1]!r}. Received: {budget:,}."
        )
    affinity = affinities(models, images, locations, batch_size=batch_size, verbose=verbose)
    front = tree_front(affinity, sizes[measure], joins=joins)
    chosen = front.index(best_tree(front, budget - fixed[measure]))
    trees = []
    for each in front:
        counts = [len(partition) for partition in each.tree]
        costs = {key: fixed[key] + int(np.dot(counts, sizes[key])) for key in sizes}
        tree = {
            location: [[tasks[number] for number in group] for group in partition]
            for location, partition in zip(locations, each.tree, strict=True)
        }
        trees.append(BranchedTree(each.dissimilarity, costs["parameters"], costs.get("macs"), tree))
    tree = trees[chosen].tree
    model = MultiTaskModel(tower, Branched(tree), heads, name=name)
    model.initialize_from(*(_alone(models[task], task, tower) for task in tasks))
    report = BranchReport(tuple(tasks), tuple(locations), affinity, tuple(trees), chosen)
    return Branching(tree, model, report)


def _on_tower(model, task, tower):
    """A network as a `MultiTaskModel` with the tower's stages."""
    if isinstance(model, MultiTaskModel):
        model.head(task)  # refuses a task that it does not have
        if model.stages != list(tower.stages):
            raise ValueError(
                f"`one_task_models[{task!r}]` must have the tower's stages {list(tower.stages)}. "
                f"Received: {model.stages}."
            )
        return model
    whole = Tower(model, tower.stages)
    end = tower.stages[-1]
    body = keras.Model(model.inputs, possible_cuts(model)[end])
    has_head = whole.stages[-1] != end
    head = whole.stage(whole.stages[-1]) if has_head else keras.layers.Identity()
    return MultiTaskModel(Tower(body, tower.stages), Branched.independent(), {task: head})


def _alone(model, task, tower):
    """The network with no other task, which would have weights for the stages of that, too."""
    if model.tasks == [task]:
        return model
    heads = {task: model.head(task)}
    return MultiTaskModel(tower, Branched.independent(), heads).initialize_from(model)


def _ends_of_weighted_stages(tower):
    """Of every stage with weights, and the stages such as pools that follow it, the last one."""
    weighted = [bool(tower.stage(stage).weights) for stage in tower.stages]
    return [
        stage
        for number, stage in enumerate(tower.stages)
        if any(weighted[: number + 1]) and all(weighted[number + 1 : number + 2])
    ]


def _sizes(tower, heads, locations, needs_macs):
    """What one copy of the network's part before each location costs, and what every tree does.

    Returns:
        `(sizes, fixed)`, dicts from `"parameters"` and, if they can be counted, `"macs"` to a list
        with a number for each location, and to a number.
    """
    if not locations or locations != [stage for stage in tower.stages if stage in locations]:
        raise ValueError(
            "`locations` must name one or more stages of the tower, in its order: "
            f"{list(tower.stages)}. Received: {locations}."
        )
    whole = MultiTaskModel(tower, Branched.hard_sharing(), heads)
    try:
        total = cost(whole)
        of_stage = [cost(tower.stage(stage)) for stage in tower.stages]
        measures = Cost._fields
    except ValueError:
        if needs_macs:
            raise
        total = Cost(whole.count_params(), None)
        of_stage = [Cost(tower.stage(stage).count_params(), None) for stage in tower.stages]
        measures = ("parameters",)
    sizes, fixed = {}, {}
    for measure in measures:
        numbers = [getattr(each, measure) for each in of_stage]
        sizes[measure], waiting = [], 0
        for stage, number in zip(tower.stages, numbers, strict=True):
            waiting += number
            if stage in locations:
                sizes[measure].append(waiting)
                waiting = 0
        of_heads = getattr(total, measure) - sum(numbers)
        # Behind the last location no task shares.
        fixed[measure] = of_heads + waiting * len(heads)
    return sizes, fixed
