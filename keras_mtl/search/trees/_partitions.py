"""Partitions of tasks, as tuples of groups, which are tuples of numbers, both in order."""

import functools


def singletons(num_tasks):
    """The partition in which every task is by itself."""
    return tuple((task,) for task in range(num_tasks))


@functools.lru_cache(maxsize=1024)
def coarsenings(partition):
    """All partitions that come of joining groups of one: Bell's number of them."""
    if not partition:
        return ((),)
    first, *others = partition
    found = []
    for joined in coarsenings(tuple(others)):
        found.append((first, *joined))
        for number, group in enumerate(joined):
            rest = joined[:number] + joined[number + 1 :]
            found.append(tuple(sorted([tuple(sorted(first + group)), *rest])))
    return tuple(found)
