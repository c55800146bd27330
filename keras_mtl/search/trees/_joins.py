"""Which groups of tasks a beam search joins."""

import numpy as np

from keras_mtl.search.trees._partitions import coarsenings

# All 52 ways to join five groups are as quickly tried as chosen from.
FEW_GROUPS = 5
# Partitions that are kept for every number of groups.
WIDTH = 5


def agglomerations(partition, distance):
    """Partitions in which unlike tasks are together as little as possible.

    From the partition on two groups are joined at a time; of every number of groups the partitions
    with the smallest sum over the groups of their largest distance are kept and joined further.

    Args:
        partition: a tuple of groups, as in `_partitions`.
        distance: float array (tasks, tasks), 1 - affinity.

    Returns:
        A list of partitions, the given one among them; of up to five groups, all that there are.
    """
    if len(partition) <= FEW_GROUPS:
        return coarsenings(partition)
    found, kept = [partition], [(partition, _largest(partition, distance))]
    for count in range(len(partition), 1, -1):
        rows, columns = np.triu_indices(count, 1)
        # From a partition to the sum of its groups' largest distances, and of what it is a join.
        joins = {}
        for groups, largest in kept:
            own = np.diag(largest)
            united = np.maximum(largest, np.maximum.outer(own, own))
            sums = (own.sum() + united - np.add.outer(own, own))[rows, columns]
            for best in np.argsort(sums, kind="stable")[:WIDTH]:
                pair = rows[best], columns[best]
                joins.setdefault(_with_joined(groups, *pair), (sums[best], largest, pair))
        best = sorted(joins, key=lambda joined: joins[joined][0])[:WIDTH]
        kept = [(joined, _united(joins[joined][1], *joins[joined][2])) for joined in best]
        found += best
    return found


def spectral_clusterings(partition, distance):
    """Partitions that spectral clustering finds, one for every number of groups.

    Source: Ng, Jordan and Weiss, "On Spectral Clustering", NIPS 2001. The rows of eigenvectors are
    parted by Ward's method, which, other than k-means, draws nothing by chance.

    Args:
        partition, distance: as in `agglomerations`.

    Returns:
        A list of partitions, the given one among them.
    """
    # Imported here, since `import keras_mtl` costs no more than `import keras`.
    from scipy.cluster.hierarchy import fcluster, linkage

    found = [partition]
    if len(partition) == 1:
        return found
    counts = [len(group) for group in partition]
    mean = _reduced(partition, distance, np.add) / np.outer(counts, counts)
    similarity = np.maximum(1 - mean, 1e-6)  # positive: no group is without a neighbour
    np.fill_diagonal(similarity, 0)
    degree = similarity.sum(axis=1)
    _, vectors = np.linalg.eigh(similarity / np.sqrt(np.outer(degree, degree)))
    for count in range(1, len(partition)):
        rows = vectors[:, -count:]
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        clusters = fcluster(linkage(rows, "ward"), count, "maxclust")
        members = {}
        for group, cluster in zip(partition, clusters, strict=True):
            members.setdefault(cluster, []).extend(group)
        found.append(tuple(sorted(tuple(sorted(tasks)) for tasks in members.values())))
    return found


def _largest(partition, distance):
    """The largest distance between tasks of two groups, and, on the diagonal, within one."""
    return _reduced(partition, distance, np.maximum)


def _reduced(partition, distance, reduce):
    """A reduction of the distances between the tasks of every two groups."""
    order = np.concatenate(partition)
    starts = np.cumsum([0, *(len(group) for group in partition[:-1])])
    rows = reduce.reduceat(distance[np.ix_(order, order)], starts, axis=0)
    return reduce.reduceat(rows, starts, axis=1)


def _with_joined(groups, first, second):
    """The partition with two groups in one. Both stay in order: groups begin in the order."""
    together = tuple(sorted(groups[first] + groups[second]))
    others = groups[first + 1 : second] + groups[second + 1 :]
    return (*groups[:first], together, *others)


def _united(largest, first, second):
    """`_largest` of that partition."""
    row = np.maximum(largest[first], largest[second])
    row[first] = max(row[first], row[second])
    largest = largest.copy()
    largest[first] = largest[:, first] = row
    return np.delete(np.delete(largest, second, axis=0), second, axis=1)
