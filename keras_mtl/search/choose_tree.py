"""From one-task networks to one branched network, in one call."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import keras

from keras_mtl._types import Array
from keras_mtl.multi_task_model import MultiTaskModel, tasks_of
from keras_mtl.search._on_tower import on_tower
from keras_mtl.search.rank_trees import rank_trees
from keras_mtl.search.tree_report import TreeReport
from keras_mtl.sharing import Branched
from keras_mtl.towers.tower import Tower


class ChosenTree(NamedTuple):
    """What `choose_tree` returns."""

    tree: dict[str, list[list[str]]]
    """From location to partition of the tasks."""
    model: MultiTaskModel
    """The branched network, with the weights of the one-task networks, not compiled."""
    report: TreeReport


def choose_tree(
    one_task_models: Mapping[str, keras.Model],
    images: Array | Sequence[Array] | Mapping[str, Array],
    tower: Tower,
    budget: float,
    *,
    measure: Literal["parameters", "macs"] = "parameters",
    locations: Sequence[str] | None = None,
    joins: Literal["all", "agglomerative", "spectral"] | None = None,
    undefined: Literal["raise", "zero"] = "raise",
    batch_size: int = 32,
    verbose: int = 1,
    name: str = "branched",
) -> ChosenTree:
    """Decides what tasks share, by how alike their own networks see images, and builds it.

    The representations of one-task networks are compared, the tree is searched that lets the least
    unlike tasks share within the budget (see `rank_trees`), and a network with that tree is built,
    in which a stage that tasks share starts from the first one's network. It is to be trained on.

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
        undefined, batch_size, verbose: as of `task_affinity`.
        name: name of the branched network.

    Returns:
        A named tuple of the `tree` (a dict from location to partition), the `model` and the
        `report`: `print(report)`, `report.save("tree.json")`.

    Raises:
        ValueError: a budget below that of hard sharing (the message says how much that is); an
            unknown `measure` or location; networks that do not fit the tower; as `task_affinity`.

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
    >>> tree, model, report = keras_mtl.search.choose_tree(
    ...     models, images, tower, budget=250, verbose=0)
    >>> tree
    {'first': [['age', 'species']], 'second': [['age'], ['species']]}
    >>> model.count_params()
    238
    """
    models = {task: on_tower(model, task, tower) for task, model in one_task_models.items()}
    report = rank_trees(
        models,
        images,
        tower,
        budget,
        measure=measure,
        locations=locations,
        joins=joins,
        undefined=undefined,
        batch_size=batch_size,
        verbose=verbose,
    )
    tree = report.front[report.position(budget)].tree
    tasks = {task: tasks_of(model)[task] for task, model in models.items()}
    model = MultiTaskModel(tower, Branched(tree), tasks, name=name)
    model.initialize_from(*(_alone(each, task, tower) for task, each in models.items()))
    return ChosenTree(tree, model, report)


def _alone(model, task, tower):
    """The network with no other task, which would have weights for the stages of that, too."""
    if model.tasks == [task]:
        return model
    tasks = {task: model.head(task)}
    return MultiTaskModel(tower, Branched.independent(), tasks).initialize_from(model)
