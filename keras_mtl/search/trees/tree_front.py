"""The best tree for every budget."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_integer
from keras_mtl._types import NumberTree
from keras_mtl.search.trees._checked_affinity import checked_affinity
from keras_mtl.search.trees._joins import agglomerations, spectral_clusterings
from keras_mtl.search.trees._partitions import coarsenings, singletons
from keras_mtl.search.trees.tree_dissimilarity import partition_dissimilarity

JOINS = {
    "all": lambda partition, distance: coarsenings(partition),
    "agglomerative": agglomerations,
    "spectral": spectral_clusterings,
}
EXACT_TASKS = 6
"""Up to so many tasks no tree is missed, within some 3 s even at 17 locations."""
SLICES = 100
"""Trees of a beam compete with those of their size, rounded to such a part of the largest."""


class FrontTree(NamedTuple):
    """A tree, with what it costs."""

    size: float
    """In the unit of the sizes that were given, such as parameters."""
    dissimilarity: float
    """See `tree_dissimilarity`."""
    tree: NumberTree
    """A partition of the tasks' numbers for each location, from the image on."""


def tree_front(
    affinity: ArrayLike,
    sizes: Sequence[float],
    *,
    joins: Literal["all", "agglomerative", "spectral"] | None = None,
    beam_width: int = 10,
) -> tuple[FrontTree, ...]:
    """Finds the trees that no other tree beats: none as small is less dissimilar.

    Trees are built from their last location up to the image, by joining groups of tasks. Of those
    that begin with the same partition only the ones that no other beats so far can become best, so
    that with all joins nothing is missed. For many tasks some joins are tried, and kept are trees
    that no other beats and of the trees of about one size the best; the very best may be missed.

    On one core 6 tasks at 17 locations take some 3 s with all joins, and two at a time 24 tasks at
    15 locations some 15 s and 40 tasks at 15 locations about a minute.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, section 3.2. There joins
    are those of spectral clustering, and the search is for one budget.

    Args:
        affinity: array (locations, tasks, tasks), as of `task_affinity`.
        sizes: for each location the size of one copy of the network's part that ends there, such as
            its parameters or multiply-accumulates.
        joins: how groups are joined: `"all"`, in every way; `"agglomerative"`, two at a time, those
            that add least to the dissimilarity; or `"spectral"`, by spectral clustering. `None`
            takes the first one up to 6 tasks, the second one beyond.
        beam_width: number of trees that are kept at each location for each hundredth of the largest
            size; without a meaning for all joins.

    Returns:
        A tuple of `FrontTree`s, the smallest (all tasks share everything) first.

    Raises:
        ValueError: an affinity of another shape, not from -1 to 1 or not symmetric; sizes that are
            not one a location, or negative; unknown `joins`; `beam_width` is no positive integer.

    Example:

    >>> import numpy as np, keras_mtl
    >>> pairs = np.kron(np.eye(2), np.ones((2, 2)))  # of {0, 1} and of {2, 3}
    >>> affinity = np.stack([np.ones((4, 4)), 0.1 + 0.8 * pairs])
    >>> front = keras_mtl.search.tree_front(affinity, sizes=[10, 30])
    >>> [(each.size, round(each.dissimilarity, 2)) for each in front]
    [(40, 0.9), (70, 0.1), (100, 0.03), (130, 0.0)]
    >>> front[1].tree
    (((0, 1, 2, 3),), ((0, 1), (2, 3)))
    """
    affinity = checked_affinity(affinity)
    sizes = _checked_sizes(sizes, len(affinity))
    num_tasks = affinity.shape[1]
    beam_width = check_integer("beam_width", beam_width, 1)
    if joins is None:
        joins = "all" if num_tasks <= EXACT_TASKS else "agglomerative"
    if joins not in JOINS:
        raise ValueError(f"`joins` must be None or one of {list(JOINS)}. Received: {joins!r}.")
    slice_ = sizes.sum() * num_tasks / SLICES
    # From the partition that a tree begins with to the trees that begin with it.
    trees = {singletons(num_tasks): [FrontTree(0, 0.0, ())]}
    for distance, size in zip(1 - affinity[::-1], sizes[::-1].tolist(), strict=True):
        grown = defaultdict(list)
        for finer, below in trees.items():
            for partition in JOINS[joins](finer, distance):
                larger, unlike = size * len(partition), partition_dissimilarity(partition, distance)
                grown[partition] += [
                    FrontTree(
                        each.size + larger, each.dissimilarity + unlike, (partition, *each.tree)
                    )
                    for each in below
                ]
        trees = {partition: _front(of_partition) for partition, of_partition in grown.items()}
        if joins != "all":
            trees = _beam(trees, slice_, beam_width)
    return tuple(_front(_flat(trees)))


def _front(trees):
    """Those trees of which no other one is as small and as little dissimilar, by size."""
    front = []
    for each in sorted(trees):
        if not front or each.dissimilarity < front[-1].dissimilarity:
            front.append(each)
    return front


def _beam(trees, slice_, width):
    """Those that no other one beats, and of about each size the best, by their first partition."""
    kept, counts = defaultdict(list), defaultdict(int)
    flat = _flat(trees)
    unbeaten = set(_front(flat))
    for each in sorted(flat, key=lambda each: each.dissimilarity):
        about = round(each.size / slice_)
        counts[about] += 1
        # Small budgets need the small trees, of which many may be about as small as larger ones.
        if counts[about] <= width or each in unbeaten:
            kept[each.tree[0]].append(each)
    return kept


def _flat(trees):
    return [each for of_partition in trees.values() for each in of_partition]


def _checked_sizes(sizes, locations):
    sizes = np.asarray(sizes)
    fits = sizes.shape == (locations,) and np.isfinite(sizes).all()
    if not fits or not (sizes >= 0).all() or not sizes.any():
        raise ValueError(
            f"`sizes` must be {locations} numbers of 0 or more, one for each location, not all "
            f"0. Received: {sizes.tolist()}."
        )
    return sizes
