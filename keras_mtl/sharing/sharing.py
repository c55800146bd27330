"""What all ways of sharing have in common: how the tasks go through the stages of a tower."""

from collections.abc import Sequence
from typing import Self

import keras

from keras_mtl._types import Config, StageLayers
from keras_mtl.towers.tower import Tower


class Sharing:
    """The way in which T tasks go through the stages of a tower.

    A sharing is described apart from tower and tasks; `connect` builds it on them. Subclasses say
    which tasks share a stage (`partition`) and what stands between two stages (`join`).
    """

    def partition(self, stage: str, tower: Tower, tasks: Sequence[str]) -> list[list[str]]:
        """The groups of tasks that share one copy of a stage.

        Args:
            stage: name of the stage.
            tower: the `Tower`.
            tasks: names of all tasks.

        Returns:
            A list of lists of task names; each task stands in one of them.
        """
        return [[task] for task in tasks]

    def join(
        self, stage: str, features: dict[str, keras.KerasTensor]
    ) -> dict[str, keras.KerasTensor]:
        """What happens to the tasks' features after a stage: nothing, unless a subclass says so.

        Args:
            stage: name of the stage.
            features: dict from task name to tensor.

        Returns:
            A dict of the same keys.
        """
        return features

    def check(self, tower: Tower, tasks: Sequence[str]) -> None:
        """Raises a `ValueError` if the sharing does not fit the tower and the tasks."""

    def connect(
        self, inputs: Sequence[keras.KerasTensor], tower: Tower, tasks: Sequence[str]
    ) -> tuple[dict[str, keras.KerasTensor], StageLayers]:
        """Builds the sharing.

        Args:
            inputs: list of the Keras tensors of the inputs, in the order of the tower's.
            tower: the `Tower` whose stages are copied.
            tasks: names of the tasks.

        Returns:
            `(features, stages)`: a dict from task name to its last features, and one from task name
            to a dict from stage name to the name of the layer that runs it.
        """
        self.check(tower, tasks)
        features = {task: inputs[tower.along] for task in tasks}
        stages = {task: {} for task in tasks}
        for stage in tower.stages:
            further = [inputs[number] for number in tower.further_inputs(stage)]
            outputs = {}
            for group in self.partition(stage, tower, tasks):
                part = tower.copy_stage(stage, group_name(group, tasks))
                before = features[group[0]]
                result = part([before, *further] if further else before)
                for task in group:
                    outputs[task] = result
                    stages[task][stage] = part.name
            features = self.join(stage, {task: outputs[task] for task in tasks})
        return features, stages

    def get_config(self) -> Config:
        return {}

    def __repr__(self) -> str:
        arguments = (f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({', '.join(arguments)})"

    @classmethod
    def from_config(cls, config: Config) -> Self:
        return cls(**config)


def group_name(group, tasks):
    """What a copy of a stage is named after: its task or tasks, or "shared" if that is all."""
    if len(group) == len(tasks) > 1:
        return "shared"
    return "_".join(group)


def features_dtype(features):
    """The precision for a unit: that of the features, not of the day.

    A model is loaded as it was saved, whatever the policy is then.
    """
    dtype = next(iter(features.values())).dtype
    return f"mixed_{dtype}" if dtype in ("float16", "bfloat16") else dtype
