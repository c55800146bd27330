"""What all ways of sharing have in common: how the tasks go through the stages of a tower."""

from collections.abc import Sequence
from typing import Self

from keras_mtl._types import Config, Features
from keras_mtl.graphs.channel_axis import channel_axis
from keras_mtl.sharing.plan import Plan
from keras_mtl.towers.tower import Tower


class Sharing:
    """The way in which T tasks go through the stages of a tower.

    A sharing is described apart from tower and tasks; `plan` says for them what runs in which
    order. Subclasses say which tasks share a stage (`partition`) and what stands between two stages
    (`join`), or write the whole `plan`.

    Attributes:
        together: whether tasks that share a stage, and come to it with features of their own, go
            through it as one batch, of which batch normalisation takes its statistics.
    """

    together = False

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

    def join(self, plan: Plan, stage: str, features: Features) -> Features:
        """What happens to the tasks' features after a stage: nothing, unless a subclass says so.

        Args:
            plan: the `Plan` so far, to which units may be added.
            stage: name of the stage.
            features: dict from task to the value of its features.

        Returns:
            A dict of the same keys.
        """
        return features

    def check(self, tower: Tower, tasks: Sequence[str]) -> None:
        """Raises a `ValueError` if the sharing does not fit the tower and the tasks."""

    def plan(self, tower: Tower, tasks: Sequence[str]) -> Plan:
        """What runs for which task.

        Args:
            tower: the `Tower` whose stages are copied.
            tasks: names of the tasks.

        Returns:
            A `Plan`, of which `MultiTaskModel` makes a network.

        Raises:
            ValueError: the sharing does not fit the tower and the tasks.
        """
        self.check(tower, tasks)
        plan = Plan(tower, tasks)
        for stage in tower.stages:
            after = {}
            for group in self.partition(stage, tower, tasks):
                before = {task: plan.features[task] for task in group}
                after |= plan.run(stage, group_name(group, tasks), before, self.together)
            plan.features = self.join(plan, stage, {task: after[task] for task in tasks})
        return plan

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


def unit_options(plan, stage):
    """Axis and precision for a unit on the channels of the features behind a stage."""
    features = plan.tower.features(stage)
    return {"axis": channel_axis(features), "dtype": features_dtype(features)}


def features_dtype(features):
    """The precision for a unit: that of the features, a tensor, not of the day.

    A model is loaded as it was saved, whatever the policy is then.
    """
    dtype = features.dtype
    return f"mixed_{dtype}" if dtype in ("float16", "bfloat16") else dtype
