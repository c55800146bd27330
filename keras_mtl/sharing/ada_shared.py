"""One tower, of which every task executes some blocks and skips the others."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mtl._types import Config, Policy
from keras_mtl.layers import SkipBlock, SkipPolicy
from keras_mtl.sharing.plan import Plan
from keras_mtl.sharing.sharing import Sharing, features_dtype
from keras_mtl.towers.tower import Tower

POLICY = "skip_policy"
"""Name of the layer that holds the policy while it is learned."""
SHARED = "shared"
"""What the one copy of a stage is named after."""
OPTIONS = {"temperature", "hard", "sparsity_weight", "agreement_weight", "form", "seed"}


@keras.saving.register_keras_serializable("keras_mtl")
class AdaShared(Sharing):
    """All tasks go through one tower; a policy says which of its blocks a task skips.

    Blocks are those stages of the tower that have a shortcut: stages that keep the shape of their
    input, and those that hold a layer called `<stage>_shortcut`, such as a projection, which always
    runs (see `Tower.shortcut`). The other stages are run by every task.

    Without a `policy` one is learned, by a `SkipPolicy` called "skip_policy", and a task's features
    behind a block are `p · output + (1 - p) · shortcut`. What stands before the first block, and
    that block, is computed once for all tasks; from there on they go through the tower as one batch
    of T times the examples.

    With a `policy` the model has no other blocks than those that a task executes, and tasks run
    what they have in common, from the image up to their first disagreement, once: a smaller and
    faster model. A block is called for each group of tasks that still agree, so batch
    normalisation takes the statistics of such a group.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020.

    Args:
        policy: `None`, or what each task executes: a dict from task to a string of ones and zeros
            (or a list of booleans), one for each block; or an array (tasks, blocks).
        per_task_statistics: whether batch normalisation takes the statistics of every task's
            features on their own while the policy is learned, as in the authors' program, rather
            than those of all tasks together. Every task then calls the blocks by itself.
        **options: of the `SkipPolicy`: `temperature`, `hard`, `sparsity_weight`,
            `agreement_weight`, `form`, `seed`.

    Raises:
        TypeError: an unknown option.
        ValueError: options of a policy that is not learned; from `plan`: the policy does not
            fit tasks and blocks, or the tower has no blocks.

    Example:

    >>> import keras_mtl
    >>> learned = keras_mtl.sharing.AdaShared(sparsity_weight=0.05, agreement_weight=0.05)
    >>> fixed = keras_mtl.sharing.AdaShared({"segmentation": "1011", "depth": "1110"})
    """

    def __init__(
        self, policy: Policy | None = None, per_task_statistics: bool = False, **options: Any
    ) -> None:
        if policy is not None and (options or per_task_statistics):
            raise ValueError(
                "A `policy` that is given is not learned: it takes no options. "
                f"Received: {sorted(options) or 'per_task_statistics=True'}."
            )
        # Unknown or wrong options are refused here rather than when the model is built.
        unknown = sorted(set(options) - OPTIONS)
        if unknown:
            raise TypeError(f"`options` must be some of {sorted(OPTIONS)}. Received: {unknown}.")
        SkipPolicy(["task"], ["block"], **options)
        self.policy = None if policy is None else _as_lists(policy)
        self.per_task_statistics, self.options = per_task_statistics, options

    @staticmethod
    def blocks(tower: Tower) -> list[str]:
        """Names of the stages of a tower that can be skipped."""
        return [stage for stage in tower.stages if tower.shortcut(stage) is not None]

    def check(self, tower: Tower, tasks: Sequence[str]) -> None:
        blocks = self.blocks(tower)
        if not blocks:
            raise ValueError(
                "The tower has no stage that can be skipped: none keeps the shape of its input or "
                f"holds a layer <stage>_shortcut. Received stages: {list(tower.stages)}."
            )
        if self.policy is not None:
            self._check_policy(blocks, tasks)

    def plan(self, tower: Tower, tasks: Sequence[str]) -> Plan:
        self.check(tower, tasks)
        plan = Plan(tower, tasks)
        if self.policy is not None:
            self._plan_fixed(plan)
        else:
            self._plan_learned(plan)
        return plan

    def get_config(self) -> Config:
        config = {"policy": self.policy, "per_task_statistics": self.per_task_statistics}
        return {**config, **self.options}

    def _plan_learned(self, plan):
        tasks, blocks = list(plan.features), self.blocks(plan.tower)
        policy = plan.unit(SkipPolicy(tasks, blocks, name=POLICY, **self.options), 0)
        together = not self.per_task_statistics
        for stage in plan.stages:
            before = plan.features
            plan.features = plan.run(stage, SHARED, before, together)
            if stage not in blocks:
                continue
            ends = plan.features, plan.skip(stage, SHARED, before, together)
            for group in [tasks] if together else [[task] for task in tasks]:
                mix = SkipBlock(
                    blocks.index(stage),
                    [tasks.index(task) for task in group],
                    # Up to the first block the features are the same for all.
                    split=len(set(before.values())) == len(tasks),
                    name="_".join([*group, f"skip_{stage}"]),
                    dtype=features_dtype(plan.tower.features(stage)),
                )
                joined = [plan.join([end[task] for task in group]) for end in ends]
                mixed = plan.split(plan.unit(mix, *joined, policy, behind=stage), len(group))
                plan.features = {**plan.features, **dict(zip(group, mixed, strict=True))}

    def _plan_fixed(self, plan):
        policy, blocks = self._by_task(plan.features), self.blocks(plan.tower)
        for stage in plan.stages:
            runs, skips = {}, {}
            for task, value in plan.features.items():
                executes = stage not in blocks or policy[task][blocks.index(stage)]
                (runs if executes else skips)[task] = value
            after = plan.run(stage, SHARED, runs)
            if skips:
                after |= plan.skip(stage, SHARED, skips)
            plan.features = {task: after[task] for task in plan.features}

    def _by_task(self, tasks):
        return (
            self.policy
            if isinstance(self.policy, dict)
            else dict(zip(tasks, self.policy, strict=True))
        )

    def _check_policy(self, blocks, tasks):
        known = set(self.policy) if isinstance(self.policy, dict) else None
        if known not in (None, set(tasks)) or len(self.policy) != len(tasks):
            raise ValueError(
                f"`policy` must have a row for each of the tasks {list(tasks)}. Received: "
                f"{sorted(known) if known else len(self.policy)} rows."
            )
        for task, row in self._by_task(tasks).items():
            if len(row) != len(blocks):
                raise ValueError(
                    f"`policy` must have one value for each of the {len(blocks)} blocks {blocks}. "
                    f"Received: {len(row)} for {task!r}."
                )


def _as_lists(policy):
    """A policy as lists of zeros and ones, which a configuration can hold."""
    if isinstance(policy, dict):
        return {str(task): _as_list(row) for task, row in policy.items()}
    try:
        rows = [] if isinstance(policy, str) else list(policy)
    except TypeError:
        rows = []
    if not rows:
        raise ValueError(
            "`policy` must be a dict from task to a row, or an array (tasks, blocks). "
            f"Received: policy={policy!r}."
        )
    return [_as_list(row) for row in rows]


def _as_list(row):
    values = list(row) if isinstance(row, str) else np.asarray(row).tolist()
    if not isinstance(values, list) or any(value not in (0, 1, "0", "1") for value in values):
        raise ValueError(
            "`policy` must hold ones and zeros (or booleans), for executed and skipped blocks. "
            f"Received: {row!r}."
        )
    return [int(value) for value in values]
