"""A tree of stages as nodes, for what draws it as text or as a picture."""

from typing import NamedTuple

from keras_mtl.sharing._check_tree import check_groups, check_tree


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
    for stage, partition in tree.items():
        check_groups(stage, partition)
    # A tree says no more of what tasks there are.
    first = next(iter(tree.values()))
    check_tree(tree, sorted({task for group in first for task in group}, key=str))
    nodes = []
    for stage, partition in reversed(tree.items()):
        nodes = [
            Node(stage, list(group), [node for node in nodes if set(node.tasks) <= set(group)])
            for group in partition
        ]
    return nodes
