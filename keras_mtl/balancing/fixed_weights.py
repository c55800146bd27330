"""Weights that are given."""

from collections.abc import Mapping
from typing import Any, Self

import keras
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing.balancing import LossBalancing, Seen

Schedule = keras.optimizers.schedules.LearningRateSchedule


@keras.saving.register_keras_serializable("keras_mtl")
class FixedWeights(LossBalancing):
    """Weights the tasks by given numbers, or by schedules of the step.

    Args:
        weights: from names of tasks to numbers of at least 0, or to schedules as
            `keras.optimizers.schedules` has them, which give such numbers. Other tasks have 1.
        **options: `on_nan` and `name`, as of `Balancing`.

    Raises:
        ValueError: a weight that is none; or, once it watches tasks, a name that is not of them.

    Example:

    >>> import numpy as np, keras, keras_mtl
    >>> fades = keras.optimizers.schedules.PolynomialDecay(2.0, 100, end_learning_rate=0.0)
    >>> balancing = keras_mtl.balancing.FixedWeights({"depth": 0.5, "edges": fades})
    >>> balancing.watch(["depth", "edges", "normals"])
    >>> np.asarray(balancing(np.ones(3))).tolist()
    [0.5, 2.0, 1.0]
    """

    def __init__(self, weights: Mapping[str, Any], **options: Any) -> None:
        super().__init__(**options)
        if not isinstance(weights, Mapping) or not all(isinstance(task, str) for task in weights):
            raise ValueError(
                "`weights` must be a dict from names of tasks to numbers or schedules. "
                f"Received: weights={weights!r}."
            )
        self.task_weights = {task: _checked(task, each) for task, each in weights.items()}

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        unknown = sorted(set(self.task_weights) - set(self.tasks))
        if unknown:
            raise ValueError(
                f"`weights` must be of some of the tasks {self.tasks}. Received: {unknown}."
            )
        super().build(losses_shape)

    def weigh(self, seen: Seen) -> Tensor:
        step = ops.convert_to_tensor(self.steps)
        given = [self.task_weights.get(task, 1.0) for task in self.tasks]
        now = [each(step) if isinstance(each, Schedule) else each for each in given]
        return ops.stack([ops.cast(each, "float32") for each in now])

    def get_config(self) -> Config:
        serialize = keras.saving.serialize_keras_object
        weights = {
            task: serialize(each) if isinstance(each, Schedule) else each
            for task, each in self.task_weights.items()
        }
        return {"weights": weights, **super().get_config()}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        weights = {
            task: keras.saving.deserialize_keras_object(each) if isinstance(each, dict) else each
            for task, each in config["weights"].items()
        }
        return cls(**{**config, "weights": weights})


def _checked(task, weight):
    return weight if isinstance(weight, Schedule) else check_number(f"weights[{task!r}]", weight, 0)
