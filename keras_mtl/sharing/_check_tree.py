"""What a tree of stages must be."""


def check_tree(tree, tasks):
    """Raises a `ValueError` unless tasks only part, from one stage of a tree to the next.

    Args:
        tree: dict from stage to partition of the tasks, the shallowest stage first.
        tasks: names of all tasks.
    """
    coarser = [list(tasks)]
    for stage, partition in tree.items():
        members = [task for group in partition for task in group]
        if sorted(members, key=str) != sorted(tasks, key=str) or [] in partition:
            raise ValueError(
                f"`tree` must put each of the tasks {list(tasks)} into one group at every stage. "
                f"Received at stage {stage!r}: {partition}."
            )
        for group in partition:
            if not any(set(group) <= set(parent) for parent in coarser):
                raise ValueError(
                    "`tree` must only branch: tasks that parted cannot share a later stage. "
                    f"Received at stage {stage!r}: {partition} after {coarser}."
                )
        coarser = partition


def check_groups(stage, partition):
    """Raises a `ValueError` unless a partition is a list of groups, each a list of task names."""
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
