"""Triplets to learn an embedding from, drawn by labels."""

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_integer
from keras_mtl._types import Array

from ._label_groups import LabelGroups


def sample_triplets(labels: ArrayLike, num_triplets: int, rng: np.random.Generator) -> Array:
    """Draws triplets: an anchor, another row of its label, and a row of another label.

    All labels count alike, the rare as much as the frequent: the anchor's is drawn uniformly from
    those that have two rows or more, the negative's from all others, and the rows uniformly from
    those of their label.

    Args:
        labels: Integers (N,), -1 where unknown: such rows are not drawn.
        num_triplets: Number of triplets, K.
        rng: A `numpy.random.Generator`.

    Returns:
        Int64 (K, 3): the rows of anchor, positive and negative.

    Raises:
        ValueError: There are fewer than two known labels, none has two rows, or an argument is of
            another form.

    Source: Zhao et al., A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval, ECCV 2018, draws triplets at random for each task; that labels count alike is ours.

    Example:

    >>> from keras_mtl.datasets import sample_triplets
    >>> labels = np.array([7, 7, -1, 3])
    >>> sample_triplets(labels, 2, np.random.default_rng(0)).shape
    (2, 3)
    >>> labels[sample_triplets(labels, 1, np.random.default_rng(0))]
    array([[7, 7, 3]])
    """
    num_triplets = check_integer("num_triplets", num_triplets, 1)
    return LabelGroups(labels).triplets(num_triplets, rng)
