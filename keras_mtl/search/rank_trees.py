"""The best tree for every budget, from one-task networks."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import keras
import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl._types import Array
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.search._on_tower import on_tower
from keras_mtl.search.cost import Cost, cost
from keras_mtl.search.representation_similarity import task_affinity
from keras_mtl.search.tree_report import TreeReport, TreeRow
from keras_mtl.search.trees import tree_front
from keras_mtl.sharing import Branched
from keras_mtl.towers.tower import Tower


def rank_trees(
    one_task_models: Mapping[str, keras.Model],
    images: Array | Sequence[Array] | Mapping[str, Array],
    tower: Tower,
    budget: float | None = None,
    *,
    measure: Literal["parameters", "macs"] = "parameters",
    locations: Sequence[str] | None = None,
    joins: Literal["all", "agglomerative", "spectral"] | None = None,
    undefined: Literal["raise", "zero"] = "raise",
    batch_size: int = 32,
    verbose: int = 1,
) -> TreeReport:
    """Finds the trees in which tasks had best share, by how alike their networks see images.

    The representations of one-task networks are compared (`task_affinity`), and the trees are
    searched that let the least unlike tasks share (`tree_front`), one for every budget.

    Source: Vandenhende et al., "Branched Multi-Task Networks: Deciding What Layers To Share", BMVC
    2020.

    Args:
        one_task_models, images, tower, measure, locations, joins, undefined, batch_size, verbose:
            as of `choose_tree`.
        budget: of which budget the tree is marked as chosen, if of one; one that is too small is
            refused before the networks are compared.

    Returns:
        A `TreeReport`.

    Raises:
        ValueError: as `choose_tree`.

    Example:

    >>> import keras, numpy as np, keras_mtl
    >>> tower = keras_mtl.towers.Tower(
    ...     keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, name="first")]), cuts=[])
    >>> models = {  # trained, each for its task
    ...     task: keras_mtl.MultiTaskModel(
    ...         tower, keras_mtl.sharing.Branched.independent(), {task: keras.layers.Dense(1)})
    ...     for task in ("age", "height")}
    >>> for model in models.values():
    ...     model.stage(model.tasks[0], "first").set_weights(
    ...         [np.random.default_rng(len(model.tasks[0])).normal(size=(4, 8)), np.zeros(8)])
    >>> images = np.random.default_rng(0).normal(size=(20, 4))
    >>> report = keras_mtl.search.rank_trees(models, images, tower, verbose=0)
    >>> [(each.parameters, each.tree) for each in report.front]
    [(58, {'first': [['age', 'height']]}), (98, {'first': [['age'], ['height']]})]
    """
    check_choice("measure", measure, Cost._fields)
    tasks = list(one_task_models)
    models = {task: on_tower(model, task, tower) for task, model in one_task_models.items()}
    heads = {task: model.head(task) for task, model in models.items()}
    if locations is None:
        locations = _ends_of_weighted_stages(tower)
    locations = list(locations)
    sizes, fixed = _sizes(tower, heads, locations, needs_macs=measure == "macs")
    smallest = fixed[measure] + sum(sizes[measure])
    if budget is not None and budget < smallest:
        raise ValueError(
            f"`budget` must be {smallest:,} {measure} or more, which the network has in which all "
            f"tasks share everything up to {locations[-1]!r}. Received: {budget:,}."
        )
    affinity = task_affinity(
        models, images, locations, undefined=undefined, batch_size=batch_size, verbose=verbose
    )
    front = []
    for each in tree_front(affinity, sizes[measure], joins=joins):
        counts = [len(partition) for partition in each.tree]
        costs = {key: fixed[key] + int(np.dot(counts, sizes[key])) for key in sizes}
        tree = {
            location: [[tasks[number] for number in group] for group in partition]
            for location, partition in zip(locations, each.tree, strict=True)
        }
        front.append(TreeRow(each.dissimilarity, costs["parameters"], costs.get("macs"), tree))
    report = TreeReport(tuple(tasks), tuple(locations), affinity, measure, tuple(front))
    if budget is None:
        return report
    return dataclasses.replace(report, chosen=report.position(budget))


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
