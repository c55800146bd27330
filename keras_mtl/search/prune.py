"""The small model that is left when a learned policy is fixed."""

from keras_mtl._types import Policy
from keras_mtl.multi_task_model import MultiTaskModel, tasks_of
from keras_mtl.sharing import AdaShared
from keras_mtl.sharing._skip_policy_of import skip_policy_of


def prune(model: MultiTaskModel, policy: Policy | None = None) -> MultiTaskModel:
    """Fixes the policy of an AdaShare model, and leaves out what no task executes.

    The new model computes what the old one does in inference under that policy. It lacks the
    blocks that no task executes, runs no block for a task that skips it, and runs once what tasks
    compute alike. To train it from random weights instead, as the paper does, build it with
    `AdaShared(policy)`.

    Source: Sun et al., AdaShare, NeurIPS 2020, section 3.

    Args:
        model: a `MultiTaskModel` with a learned `AdaShared`.
        policy: as of `AdaShared`; the most probable one, `SkipPolicy.decisions()`, if `None`.

    Returns:
        A `MultiTaskModel` with copies of the model's weights, not compiled.

    Raises:
        TypeError: `model` is no `MultiTaskModel`.
        ValueError: `model` learns no policy, or `policy` does not fit it.

    Example:

    >>> import keras, keras_mtl
    >>> image = keras.Input((8,))
    >>> x = keras.layers.Dense(8, name="one")(image)
    >>> tower = keras_mtl.towers.Tower(
    ...     keras.Model(image, keras.layers.Dense(8, name="two")(x)), cuts=["one"])
    >>> model = keras_mtl.MultiTaskModel(
    ...     tower, keras_mtl.sharing.AdaShared(),
    ...     tasks={"age": keras.layers.Dense(1), "species": keras.layers.Dense(5)})
    >>> pruned = keras_mtl.search.prune(model, {"age": "10", "species": "10"})
    >>> keras_mtl.search.cost(model).macs, keras_mtl.search.cost(pruned).macs
    (240, 112)
    """
    if not isinstance(model, MultiTaskModel):
        raise TypeError(f"`model` must be a MultiTaskModel. Received: {model!r}.")
    layer = skip_policy_of(model)
    if policy is None:
        policy = dict(zip(layer.tasks, layer.decisions(), strict=True))
    tower = model.tower(model.tasks[0])
    return MultiTaskModel(tower, AdaShared(policy), tasks_of(model), name=model.name)
