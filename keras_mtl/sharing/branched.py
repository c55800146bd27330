"""Tasks share the first stages, then branch off; independent and hard-shared are extremes."""

import keras

from keras_mtl.sharing.sharing import Sharing

HEADS = "heads"
"""Where to split so that all stages are shared."""


@keras.saving.register_keras_serializable("keras_mtl")
class Branched(Sharing):
    """Tasks share a tree of stages.

    Source: the Split architectures of Misra et al., CVPR 2016, section 3.1; general trees are those
    of Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020.

    Args:
        tree: for every stage of the tower a partition of the tasks (a list of groups, each a list
            of task names), each as fine as the one before or finer. `None` for a tree that is all
            shared up to some stage and all separate from there on; see the constructors.
        split_at: name of the first stage that every task has for itself, or `"heads"`; the first
            stage of the tower if `None`.

    Raises:
        ValueError: both arguments are given; from `connect`: the tree does not fit the tower.

    Example:

    >>> import keras_mtl
    >>> keras_mtl.sharing.Branched.split(at="conv3").get_config()
    {'tree': None, 'split_at': 'conv3'}
    """

    def __init__(self, tree=None, split_at=None):
        if tree is not None and split_at is not None:
            raise ValueError(
                "Give `tree` or `split_at`, not both. "
                f"Received: tree={tree}, split_at={split_at!r}."
            )
        self.tree = tree
        self.split_at = split_at

    @classmethod
    def independent(cls):
        """Every task has a tower of its own."""
        return cls()

    @classmethod
    def hard_sharing(cls):
        """All tasks share all stages; only the heads are their own."""
        return cls(split_at=HEADS)

    @classmethod
    def split(cls, at):
        """All tasks share the stages before `at`, and none from there on.

        Split at the tower's first stage, the tasks are independent; at `"heads"`, they share all.
        """
        return cls(split_at=at)

    def partition(self, stage, tower, tasks):
        index = tower.index(stage)
        if self.tree is not None:
            return [list(group) for group in self.tree[index]]
        if self._shared_stages(tower) > index:
            return [list(tasks)]
        return [[task] for task in tasks]

    def check(self, tower, tasks):
        self._shared_stages(tower)
        if HEADS in tower.stages:
            raise ValueError(f"A stage must not be called {HEADS!r}. Received: {tower.stages}.")
        if self.tree is None:
            return
        if len(self.tree) != len(tower.stages):
            raise ValueError(
                f"`tree` must have one partition of the tasks for each stage of {tower.stages}. "
                f"Received: {len(self.tree)} partitions."
            )
        coarser = [list(tasks)]
        for stage, partition in zip(tower.stages, self.tree, strict=True):
            if sorted(task for group in partition for task in group) != sorted(tasks):
                raise ValueError(
                    f"`tree` must put each of the tasks {list(tasks)} into one group at every "
                    f"stage. Received at stage {stage!r}: {partition}."
                )
            for group in partition:
                if not any(set(group) <= set(parent) for parent in coarser):
                    raise ValueError(
                        f"`tree` must only branch: tasks that parted cannot share a later stage. "
                        f"Received at stage {stage!r}: {partition} after {coarser}."
                    )
            coarser = partition

    def get_config(self):
        return {"tree": self.tree, "split_at": self.split_at}

    def _shared_stages(self, tower):
        if self.split_at is None:
            return 0
        if self.split_at == HEADS:
            return len(tower.stages)
        return tower.index(self.split_at)
