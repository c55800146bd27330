"""A tree of stages as nodes, for what draws it as text or as a picture."""

from typing import NamedTuple


class Node(NamedTuple):
    """A group of tasks at a stage, and the groups it parts into at the next one."""

    stage: str
    tasks: list
    children: list


def tree_nodes(tree):
    """The nodes of the first stage; from one to all tasks, those below it are in order.

    Args:
        tree: dict from stage to partition of the tasks, as of `keras_mtl.sharing.Branched`, the
            shallowest stage first.

    Raises:
        ValueError: `tree` is no such dict, or a partition is no partition, or not as fine as the
            one before or finer.
    """
    if not isinstance(tree, dict) or not tree:
        raise ValueError(
            "`tree` must be a dict from the names of one or more stages to partitions of the "
            f"tasks. Received: {tree!r}."
        )
    tasks, coarser = None, None
    for stage, partition in tree.items():
        _check_groups(stage, partition)
        members = sorted((task for group in partition for task in group), key=str)
        tasks = tasks or sorted(set(members), key=str)
        if members != tasks:
            raise ValueError(
                f"`tree` must put each of the tasks {tasks} into one group at every stage. "
                f"Received at stage {stage!r}: {partition}."
            )
        if coarser and not all(_parents(group, coarser) for group in partition):
            raise ValueError(
                "`tree` must only branch: tasks that parted cannot share a later stage. "
                f"Received at stage {stage!r}: {partition} after {coarser}."
            )
        coarser = partition
    nodes = []
    for stage, partition in reversed(tree.items()):
        nodes = [
            Node(stage, list(group), [node for node in nodes if set(node.tasks) <= set(group)])
            for group in partition
        ]
    return nodes


def _check_groups(stage, partition):
    sequence = (list, tuple)
    if (
        not isinstance(partition, sequence)
        or not partition
        or not all(isinstance(group, sequence) and group for group in partition)
    ):
        raise ValueError(
            "`tree` must have at every stage a list of groups, each a list of one or more task "
            f"names. Received at stage {stage!r}: {partition!r}."
        )


def _parents(group, coarser):
    return [parent for parent in coarser if set(group) <= set(parent)]
