"""Several multi-task models that vote."""

from collections.abc import Sequence
from typing import Any, Self

import keras

from keras_mtl._types import Config, Tensor
from keras_mtl.multi_task_model import MultiTaskModel


@keras.saving.register_keras_serializable("keras_mtl")
class Ensemble(keras.Model):
    """A model that averages, task by task, what trained models predict.

    The baseline "Ensemble" of Misra et al., CVPR 2016, section 6.1: two one-task networks a task,
    which differ in their seed. The mean is over each head's `prediction` of its outputs, such as
    probabilities instead of logits; of a head without that method, over its `Task`'s, if there is
    one, else over its outputs. A head with several outputs gets and returns a dict of them by its
    own keys.

    Args:
        models: list of `MultiTaskModel`s of one input; each task is in one of them or in several.
        name: name of the model.

    Call arguments:
        inputs: what the models take.

    Returns:
        A dict of the mean predictions, with the names of the models' outputs.

    Raises:
        TypeError: `models` holds something else than `MultiTaskModel`s.
        ValueError: `models` is empty.

    Example:

    >>> import keras, numpy as np, keras_mtl
    >>> net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> models = [
    ...     keras_mtl.MultiTaskModel(
    ...         keras_mtl.towers.Tower(net, cuts=[]), keras_mtl.sharing.Branched.independent(),
    ...         tasks={task: keras.layers.Dense(1)})
    ...     for task in ("age", "age", "height")]
    >>> outputs = keras_mtl.Ensemble(models).predict(np.ones((2, 4)), verbose=0)
    >>> {task: output.shape for task, output in outputs.items()}
    {'age': (2, 1), 'height': (2, 1)}
    """

    def __init__(
        self, models: Sequence[MultiTaskModel | Config], name: str = "ensemble", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        loaded = [
            keras.saving.deserialize_keras_object(model) if isinstance(model, dict) else model
            for model in models
        ]
        wrong = [model for model in loaded if not isinstance(model, MultiTaskModel)]
        if wrong:
            raise TypeError(f"`models` must be MultiTaskModels. Received: {wrong[0]!r}.")
        if not loaded:
            raise ValueError("`models` must hold at least one model. Received: none.")
        self.models = loaded

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks, in the order of the models."""
        return list(dict.fromkeys(task for model in self.models for task in model.tasks))

    def build(self, input_shape: Any) -> None:
        self.built = True  # the models are

    def call(self, inputs: Tensor, training: bool | None = None) -> dict[str, Tensor]:
        predictions = {}
        for model in self.models:
            outputs = model(inputs, training=training)
            for task in model.tasks:
                for name, prediction in _predictions(model, task, outputs).items():
                    predictions.setdefault(name, []).append(prediction)
        return {
            name: sum(each[1:], start=each[0]) / len(each) for name, each in predictions.items()
        }

    def get_config(self) -> Config:
        models = [keras.saving.serialize_keras_object(model) for model in self.models]
        return {**super().get_config(), "models": models}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


def _predictions(model, task, outputs):
    """What the outputs of one task say, by the names of the outputs."""
    names, speaker = model.outputs_of(task), speaker_of(model, task)
    if speaker is None:
        return {name: outputs[name] for name in names}
    if names == [task]:
        return {task: speaker.prediction(outputs[task])}
    keys = {name: name.removeprefix(f"{task}_") for name in names}
    predicted = speaker.prediction({key: outputs[name] for name, key in keys.items()})
    return {name: predicted[key] for name, key in keys.items()}


def speaker_of(model: MultiTaskModel, task: str) -> Any:
    """Who says what a task's outputs mean: the head, or else the `Task`; `None` of neither."""
    head = model.head(task)
    return head if hasattr(head, "prediction") else model.task(task)
