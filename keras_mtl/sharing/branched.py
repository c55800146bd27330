"""Tasks share the first stages, then branch off; independent and hard-shared are extremes."""

from collections.abc import Mapping, Sequence
from typing import Self

import keras

from keras_mtl._types import Config, Partition
from keras_mtl.sharing._check_tree import check_groups, check_tree
from keras_mtl.sharing.sharing import Sharing
from keras_mtl.towers.tower import Tower

HEADS = "heads"
"""Where to split so that all stages are shared."""


@keras.saving.register_keras_serializable("keras_mtl")
class Branched(Sharing):
    """Tasks share a tree of stages.

    Source: the Split architectures of Misra et al., CVPR 2016, section 3.1; general trees are those
    of Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020.

    Args:
        tree: for every stage of the tower a partition of the tasks (a list of groups, each a list
            of task names), each as fine as the one before or finer. Or a dict from the names of
            some stages to partitions: a stage that is not named is shared as the next one that is,
            and behind the last of them every task is by itself. `None` for a tree that is all
            shared up to some stage and all separate from there on; see the constructors.
        split_at: name of the first stage that every task has for itself, or `"heads"`; the first
            stage of the tower if `None`.

    Raises:
        ValueError: both arguments are given, or a partition is no list of groups; from
            `plan`: the tree does not fit the tower.

    Example:

    >>> import keras_mtl
    >>> keras_mtl.sharing.Branched.split(at="conv3").get_config()
    {'tree': None, 'split_at': 'conv3'}
    >>> pairs = keras_mtl.sharing.Branched(
    ...     {"pool2": [["a", "b", "c", "d"]], "conv5": [["a", "b"], ["c", "d"]]})
    """

    def __init__(
        self,
        tree: Mapping[str, Partition] | Sequence[Partition] | None = None,
        split_at: str | None = None,
    ) -> None:
        if tree is not None and split_at is not None:
            raise ValueError(
                "Give `tree` or `split_at`, not both. "
                f"Received: tree={tree}, split_at={split_at!r}."
            )
        self.tree = None if tree is None else _as_lists(tree)
        self.split_at = split_at

    @classmethod
    def independent(cls) -> Self:
        """Every task has a tower of its own."""
        return cls()

    @classmethod
    def hard_sharing(cls) -> Self:
        """All tasks share all stages; only the heads are their own."""
        return cls(split_at=HEADS)

    @classmethod
    def split(cls, at: str) -> Self:
        """All tasks share the stages before `at`, and none from there on.

        Split at the tower's first stage, the tasks are independent; at `"heads"`, they share all.
        """
        return cls(split_at=at)

    def partition(self, stage: str, tower: Tower, tasks: Sequence[str]) -> list[list[str]]:
        index = tower.index(stage)
        if self.tree is not None:
            return [list(group) for group in self._partitions(tower, tasks)[index]]
        if self._shared_stages(tower) > index:
            return [list(tasks)]
        return [[task] for task in tasks]

    def check(self, tower: Tower, tasks: Sequence[str]) -> None:
        self._shared_stages(tower)
        if HEADS in tower.stages:
            raise ValueError(f"A stage must not be called {HEADS!r}. Received: {tower.stages}.")
        if self.tree is None:
            return
        self._check_stages(tower)
        check_tree(dict(zip(tower.stages, self._partitions(tower, tasks), strict=True)), tasks)

    def get_config(self) -> Config:
        return {"tree": self.tree, "split_at": self.split_at}

    def _partitions(self, tower, tasks):
        """The partition of every stage of the tower."""
        if not isinstance(self.tree, dict):
            return self.tree
        partitions, behind = [], [[task] for task in tasks]
        for stage in reversed(tower.stages):
            behind = self.tree.get(stage, behind)
            partitions.insert(0, behind)
        return partitions

    def _check_stages(self, tower):
        if not isinstance(self.tree, dict):
            if len(self.tree) != len(tower.stages):
                raise ValueError(
                    "`tree` must have one partition of the tasks for each stage of "
                    f"{tower.stages}. Received: {len(self.tree)} partitions."
                )
        elif list(self.tree) != [stage for stage in tower.stages if stage in self.tree]:
            raise ValueError(
                "`tree` must name stages of the tower, in its order: "
                f"{list(tower.stages)}. Received: {list(self.tree)}."
            )

    def _shared_stages(self, tower):
        if self.split_at is None:
            return 0
        if self.split_at == HEADS:
            return len(tower.stages)
        return tower.index(self.split_at, "split_at")


def _as_lists(tree):
    """A tree of lists, which a configuration can hold."""
    if isinstance(tree, dict):
        return {stage: _lists_of_groups(stage, groups) for stage, groups in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_lists_of_groups(stage, groups) for stage, groups in enumerate(tree)]
    raise ValueError(f"`tree` must be a list or a dict of partitions. Received: tree={tree!r}.")


def _lists_of_groups(stage, groups):
    check_groups(stage, groups)
    return [list(group) for group in groups]
