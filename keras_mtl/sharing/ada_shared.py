"""One tower, of which every task executes some blocks and skips the others."""

import itertools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mtl._layer_names import layer_name
from keras_mtl._types import Config, Policy, StageLayers
from keras_mtl.layers import SkipBlock, SkipPolicy
from keras_mtl.sharing._split_tasks import split_tasks
from keras_mtl.sharing.sharing import Sharing, features_dtype
from keras_mtl.towers.tower import Tower

POLICY = "skip_policy"
"""Name of the layer that holds the policy while it is learned."""
SHARED, SKIPPED = "shared", "skipped"
"""What stands before the name of a stage in those of its layers: of all, and of its shortcut."""
OPTIONS = {"temperature", "hard", "sparsity", "sharing", "form", "seed"}


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
        **options: of the `SkipPolicy`: `temperature`, `hard`, `sparsity`, `sharing`, `form`,
            `seed`.

    Raises:
        TypeError: an unknown option.
        ValueError: options of a policy that is not learned; from `connect`: the policy does not
            fit tasks and blocks, or the tower has no blocks.

    Example:

    >>> import keras_mtl
    >>> learned = keras_mtl.sharing.AdaShared(sparsity=0.05, sharing=0.05)
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
        elif len(tower.model.inputs) > 1 and not self.per_task_statistics:
            raise ValueError(
                "A policy for a tower of several inputs is learned with `per_task_statistics=True` "
                f"only. Received: {[x.name for x in tower.model.inputs]}."
            )

    def connect(
        self, inputs: Sequence[keras.KerasTensor], tower: Tower, tasks: Sequence[str]
    ) -> tuple[dict[str, keras.KerasTensor], StageLayers]:
        self.check(tower, tasks)
        tasks = list(tasks)
        if self.policy is not None:
            return self._connect_fixed(inputs, tower, tasks)
        return self._connect_learned(inputs, tower, tasks)

    def get_config(self) -> Config:
        config = {"policy": self.policy, "per_task_statistics": self.per_task_statistics}
        return {**config, **self.options}

    def _connect_learned(self, inputs, tower, tasks):
        blocks = self.blocks(tower)
        policy = SkipPolicy(tasks, blocks, name=layer_name(POLICY), **self.options)(
            inputs[tower.along]
        )
        # Numbers of the tasks that are one batch; up to the first block it is the same for all.
        groups, features, split = [list(range(len(tasks)))], [inputs[tower.along]], False
        stages = {}
        for stage in tower.stages:
            part = _SharedStage(tower, stage, inputs)
            stages[stage] = part.name
            results = [part.run(each) for each in features]
            if stage not in blocks:
                features = [output for output, _ in results]
                continue
            if self.per_task_statistics and not split:
                groups, results = [[task] for task in groups[0]], results * len(tasks)
            features = []
            for group, (output, shortcut) in zip(groups, results, strict=True):
                mix = SkipBlock(
                    blocks.index(stage),
                    group,
                    split,
                    name=layer_name(*(tasks[task] for task in group), f"skip_{stage}"),
                    dtype=features_dtype({stage: output}),
                )
                features.append(mix(output, shortcut, policy))
            split = True
        if len(groups) < len(tasks):
            features = split_tasks(features[0], len(tasks))
        return dict(zip(tasks, features, strict=True)), {task: dict(stages) for task in tasks}

    def _connect_fixed(self, inputs, tower, tasks):
        policy, blocks = self._by_task(tasks), self.blocks(tower)
        # Tasks with the same decisions up to a stage have the same features.
        prefix, features = {task: () for task in tasks}, {(): inputs[tower.along]}
        stages = {task: {} for task in tasks}
        for stage in tower.stages:
            part = _SharedStage(tower, stage, inputs)
            executes = {
                task: stage not in blocks or bool(policy[task][blocks.index(stage)])
                for task in tasks
            }
            executing = dict.fromkeys(prefix[task] for task in tasks if executes[task])
            results = {key: part.run(features[key]) for key in executing}
            after = {}
            for task in tasks:
                key = prefix[task]
                prefix[task] = (*key, executes[task])
                stages[task][stage] = part.name if executes[task] else part.name_of_skip
                if executes[task]:
                    after[prefix[task]], _ = results[key]
                elif key in results:
                    # The shortcut has run with the block, of those who were alike up to here.
                    _, after[prefix[task]] = results[key]
                    stages[task][stage] = part.name_of_skip and part.name
                elif prefix[task] not in after:
                    after[prefix[task]] = part.skip(features[key])
            features = after
        return {task: features[prefix[task]] for task in tasks}, stages

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


class _SharedStage:
    """The one copy of a stage that all tasks call."""

    def __init__(self, tower, stage, inputs):
        self._part = tower.copy_stage(stage, SHARED, shortcut=True)
        self._further = [inputs[number] for number in tower.further_inputs(stage)]
        self._skip = None
        if len(self._part.outputs) > 1:
            self._skip = _shortcut_of(self._part, layer_name(SKIPPED, stage))

    @property
    def name(self):
        """Name of the layer that executes the stage."""
        return self._part.name

    @property
    def name_of_skip(self):
        """Name of the layer that runs the shortcut, or `None` if that is the input itself."""
        return None if self._skip is None else self._skip.name

    def run(self, features):
        """The stage's output, and the shortcut."""
        results = self._part(self._with_further(features))
        return results if isinstance(results, list) else (results, features)

    def skip(self, features):
        """The shortcut alone."""
        return features if self._skip is None else self._skip(self._with_further(features))

    def _with_further(self, features):
        return [features, *self._further] if self._further else features


def _shortcut_of(part, name):
    """A model that runs the shortcut of a stage alone, by the stage's own layers."""
    return keras.Model(part.input, part.outputs[1], name=name)


def runs_shortcut(sharing, name):
    """Whether the layer of that name runs the shortcut of a stage alone."""
    return isinstance(sharing, AdaShared) and name.startswith(SKIPPED)


def tied(graph, sharing, stages):
    """A model of which Keras has lost, in a configuration, that shortcuts are of a stage's layers.

    Args:
        graph: a functional model as it comes of a configuration.
        sharing: its sharing.
        stages: the names of its layers by task and stage.

    Returns:
        The same with the layers that it has in common again, or itself if it has none.
    """
    shortcuts = {}
    for names in zip(*(of_task.values() for of_task in stages.values()), strict=True):
        for name, part in itertools.permutations(set(names) - {None}, 2):
            if runs_shortcut(sharing, name):
                shortcuts[name] = _shortcut_of(graph.get_layer(part), name)
    if not shortcuts:
        return graph

    def call(operation, *args, **kwargs):
        return shortcuts.get(operation.name, operation)(*args, **kwargs)

    return keras.Model(graph.input, graph._run_through_graph(graph.input, call_fn=call))


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
