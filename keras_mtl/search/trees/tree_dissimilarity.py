"""How unlike the tasks are that a tree lets share."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl.search.trees._checked_affinity import checked_affinity


def tree_dissimilarity(tree: Sequence[Sequence[Sequence[int]]], affinity: ArrayLike) -> float:
    """The cost by which trees are compared: less is better.

    At every location a group of tasks costs the largest 1 − affinity of two of its tasks (a task by
    itself nothing), and a partition the mean over its groups; these add up.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, section 3.2.

    Args:
        tree: a partition of the tasks' numbers for each location.
        affinity: array (locations, tasks, tasks), as of `task_affinity`.

    Returns:
        A float.

    Raises:
        ValueError: the tree has another number of locations, or a partition without some task, with
            an unknown one or with one twice; an affinity that `tree_front` does not take.

    Example:

    >>> import numpy as np, keras_mtl
    >>> affinity = np.array([[[1.0, 0.9, 0.2], [0.9, 1.0, 0.3], [0.2, 0.3, 1.0]]])
    >>> round(keras_mtl.search.tree_dissimilarity([[(0, 1), (2,)]], affinity), 3)
    0.05
    """
    distances = 1 - checked_affinity(affinity)
    if len(tree) != len(distances):
        raise ValueError(
            "`tree` must have a partition for each location of `affinity`. "
            f"Received: {len(tree)} partitions for {len(distances)} locations."
        )
    num_tasks = distances.shape[1]
    for location, partition in enumerate(tree):
        members = Counter(task for group in partition for task in group)
        if members != Counter(range(num_tasks)) or not all(map(len, partition)):
            raise ValueError(
                f"`tree` must put each of the tasks 0 to {num_tasks - 1} into one group at every "
                f"location. Received at location {location}: {partition}."
            )
    return sum(
        partition_dissimilarity(partition, distance)
        for partition, distance in zip(tree, distances, strict=True)
    )


def partition_dissimilarity(partition, distance):
    """What a partition adds, by the distances (tasks, tasks) at its location."""
    shared = (group for group in partition if len(group) > 1)
    return sum(float(distance[np.ix_(group, group)].max()) for group in shared) / len(partition)
