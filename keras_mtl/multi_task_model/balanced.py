"""Any Keras model of several outputs, trained with its tasks balanced."""

from typing import Any

import keras

from keras_mtl._checks import check_choice
from keras_mtl.multi_task_model._task_training import TaskTraining


@keras.saving.register_keras_serializable("keras_mtl")
class BalancedModel(TaskTraining):
    """A functional model whose outputs are tasks: what `keras_mtl.balanced` returns.

    It is compiled and trained as a `keras_mtl.MultiTaskModel` is, with its `balancing`.
    """

    @property
    def tasks(self) -> list[str]:
        """Names of the outputs."""
        return list(self.output)

    @property
    def output_names_in_order(self) -> list[str]:
        """Names of the outputs."""
        return self.tasks

    @property
    def units(self) -> dict[str, Any]:
        """None: a plain model has no units of a sharing."""
        return {}

    def outputs_of(self, task: str) -> list[str]:
        """The output itself."""
        check_choice("task", task, self.tasks)
        return [task]

    def head(self, task: str) -> None:
        """None: which layers are the task's head is not said."""

    def task(self, task: str) -> None:
        """None: there is an output and its loss, but no `keras_mtl.Task`."""

    def _keys(self, task):
        return {task: None}


def _written_by_users(model):
    """What the classes of a model define that are no classes of Keras."""
    classes = (each for each in type(model).__mro__ if not each.__module__.startswith("keras."))
    return {name for each in classes for name in vars(each)}


def balanced(model: keras.Model) -> BalancedModel:
    """Makes a functional model with several outputs one that can be trained with a balancing.

    The result has the model's own layers, so that both have the same weights. Each output is a
    task; losses, metrics and targets are dicts by their names. Labels that are missing do not
    count, as of a `keras_mtl.MultiTaskModel`.

    Args:
        model: a functional Keras model with a dict, or a list, of outputs. Those of a list are
            called as the layers that make them.

    Returns:
        A `BalancedModel`, whose `compile` takes `balancing`.

    Raises:
        TypeError: `model` is no functional model, or has a `train_step` of its own.
        ValueError: two outputs have the same name.

    Example:

    >>> import keras, numpy as np, keras_mtl
    >>> x = keras.Input((4,))
    >>> h = keras.layers.Dense(8, "relu")(x)
    >>> net = keras.Model(x, {"a": keras.layers.Dense(1)(h), "b": keras.layers.Dense(1)(h)})
    >>> model = keras_mtl.balanced(net)
    >>> model.compile("sgd", {"a": "mse", "b": "mse"}, balancing=keras_mtl.balancing.PCGrad())
    >>> y = np.ones((8, 1))
    >>> sorted(model.fit(np.ones((8, 4)), {"a": y, "b": -y}, verbose=0).history)
    ['a_loss', 'a_weight', 'b_loss', 'b_weight', 'loss']
    """
    if not isinstance(model, keras.Model) or not getattr(model, "outputs", None):
        raise TypeError(f"`model` must be a functional Keras model. Received: model={model!r}.")
    own = [name for name in ("train_step", "compute_loss") if name in _written_by_users(model)]
    if own:
        raise TypeError(
            f"`model` must be trained as Keras does, without {own} of its own. "
            f"Received: model={model!r}."
        )
    outputs = model.output
    if not isinstance(outputs, dict):
        names = list(model.output_names)
        if len(set(names)) < len(names):
            raise ValueError(
                f"`model` must have outputs of different names, as in a dict. Received: {names}."
            )
        outputs = dict(zip(names, keras.tree.flatten(outputs), strict=True))
    return BalancedModel(model.input, outputs, name=model.name)
