"""The best tree that a budget allows."""

from collections.abc import Sequence

from keras_mtl.search.trees.tree_front import FrontTree


def best_tree(front: Sequence[FrontTree], budget: float) -> FrontTree:
    """Picks the least dissimilar tree of a front that is no larger than a budget.

    Args:
        front: what `tree_front` returns, the smallest tree first.
        budget: in the unit of its sizes.

    Returns:
        A `FrontTree`.

    Raises:
        ValueError: `front` is empty, or even its smallest tree is larger.

    Example:

    >>> import numpy as np, keras_mtl
    >>> affinity = np.array([[[1.0, 0.9, 0.2], [0.9, 1.0, 0.3], [0.2, 0.3, 1.0]]])
    >>> front = keras_mtl.search.tree_front(affinity, sizes=[10])
    >>> keras_mtl.search.best_tree(front, budget=25).tree
    (((0, 1), (2,)),)
    """
    if not front:
        raise ValueError("`front` must hold one or more trees. Received: none.")
    affordable = [each for each in front if each.size <= budget]
    if not affordable:
        raise ValueError(
            f"`budget` must be {front[0].size:,.0f} or more, the size of the tree in which all "
            f"tasks share everything. Received: {budget:,}."
        )
    return affordable[-1]
