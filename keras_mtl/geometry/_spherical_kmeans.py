"""K-means on the unit sphere: cells by largest cosine, centres of unit length."""

import numpy as np

# Cosine distances below this (about 0.03 degrees in float32) are rounding, not a direction of
# their own.
SAME_DIRECTION = 1e-7


def spherical_kmeans(directions, num_words, rng, max_iterations=100):
    """Cluster unit vectors by direction.

    `scipy.cluster.vq.kmeans2` is not used: its centres lie inside the sphere (the wider the cell,
    the deeper), so its cells are not those by which a codebook encodes, and it leaves empty cells.

    Args:
        directions: Float array (N, 3) of unit vectors.
        num_words: Number of centres K.
        rng: A `numpy.random.Generator`.
        max_iterations: Most Lloyd steps.

    Returns:
        Float array (K, 3) of unit vectors, all different.

    Raises:
        ValueError: If there are fewer than K different directions.
    """
    centres = _seed(directions, num_words, rng)
    for _ in range(max_iterations):
        cosine = directions @ centres.T
        word = np.argmax(cosine, axis=1)
        sums = np.stack(
            [np.bincount(word, directions[:, i], minlength=num_words) for i in range(3)], axis=1
        )
        length = np.linalg.norm(sums, axis=1, keepdims=True)
        # A cell of opposite directions has no mean direction: it keeps its centre.
        moved = np.where(length > 0, sums / np.where(length > 0, length, 1), centres)
        empty = np.flatnonzero(np.bincount(word, minlength=num_words) == 0)
        if empty.size:
            # The samples that are served worst become the words that serve none.
            best = np.max(cosine, axis=1)
            moved[empty] = directions[np.argsort(best, kind="stable")[: empty.size]]
        step = np.max(np.abs(moved - centres))
        centres = moved
        if step < 1e-6:
            break
    return centres


def _seed(directions, num_words, rng):
    """k-means++: each next seed is drawn in proportion to its distance from the nearest one."""
    seeds = [directions[rng.integers(len(directions))]]
    distance = np.full(len(directions), np.inf)
    while len(seeds) < num_words:
        distance = np.minimum(distance, 1 - directions @ seeds[-1])
        distance[distance < SAME_DIRECTION] = 0
        total = distance.sum(dtype="float64")
        if total == 0:
            raise ValueError(
                f"`normals` must have at least num_words={num_words} different directions. "
                f"Received: {len(seeds)} different directions."
            )
        seeds.append(directions[rng.choice(len(directions), p=distance / total)])
    return np.stack(seeds)
