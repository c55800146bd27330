"""All trees in which tasks can share the locations of a network."""

from collections.abc import Iterator

from keras_mtl._checks import check_integer
from keras_mtl._types import NumberTree
from keras_mtl.search.trees._partitions import coarsenings, singletons


def enumerate_trees(num_tasks: int, depth: int) -> Iterator[NumberTree]:
    """Yields every tree of a number of tasks: sequences of ever finer partitions.

    There are 3,455 for 5 tasks and 4 locations, 7,556 for 5 and 5: to find the best of more,
    `tree_front` need not see them all.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, section 3.2.

    Args:
        num_tasks: number of tasks.
        depth: number of locations.

    Yields:
        Tuples of a partition for each location, from the image on: tuples of groups, which are
        tuples of the tasks' numbers.

    Raises:
        ValueError: `num_tasks` or `depth` is no positive integer.

    Example:

    >>> import keras_mtl
    >>> list(keras_mtl.search.enumerate_trees(2, 1))
    [(((0,), (1,)),), (((0, 1),),)]
    >>> [sum(1 for _ in keras_mtl.search.enumerate_trees(3, depth)) for depth in (1, 2, 3)]
    [5, 12, 22]
    """
    num_tasks = check_integer("num_tasks", num_tasks, 1)
    depth = check_integer("depth", depth, 1)
    return _grown((), singletons(num_tasks), depth)


def _grown(tree, finest, depth):
    """Trees of a depth above a tree, from its first partition on coarser."""
    if depth == 0:
        yield tree
        return
    for partition in coarsenings(finest):
        yield from _grown((partition, *tree), partition, depth - 1)
