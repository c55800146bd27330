"""What each task of a model costs on its own."""

from collections.abc import Sequence

import keras

from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.search.cost import Cost, cost


def task_costs(
    model: MultiTaskModel, input_shape: Sequence[int] | Sequence[Sequence[int]] | None = None
) -> dict[str, Cost]:
    """Counts, for every task of a multi-task model, what it alone needs.

    The sum of the tasks' MACs is what they cost if each runs by itself, which is how AdaShare
    reports its networks; `cost(model)` counts once what they share. Of a model that learns its
    policy no part can be left out: its tasks are one batch.

    Args:
        model: a `MultiTaskModel`.
        input_shape: as in `cost`.

    Returns:
        A dict from task to `Cost`.

    Raises:
        TypeError: `model` is no `MultiTaskModel`.
        ValueError: as in `cost`.

    Example:

    >>> import keras, keras_mtl
    >>> tower = keras_mtl.towers.Tower(
    ...     keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)]), cuts=[])
    >>> model = keras_mtl.MultiTaskModel(
    ...     tower, keras_mtl.sharing.Branched.hard_sharing(),
    ...     tasks={"age": keras.layers.Dense(1), "species": keras.layers.Dense(5)})
    >>> costs = keras_mtl.search.task_costs(model)
    >>> costs["age"].macs + costs["species"].macs, keras_mtl.search.cost(model).macs
    (88, 56)
    """
    if not isinstance(model, MultiTaskModel):
        raise TypeError(f"`model` must be a MultiTaskModel. Received: {model!r}.")
    return {
        task: cost(
            keras.Model(
                model.inputs, {name: model.output[name] for name in model.outputs_of(task)}
            ),
            input_shape,
        )
        for task in model.tasks
    }
