"""Share of the triplets that an embedding orders rightly, of embeddings that are there already."""

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_triplets

TRIPLETS_AT_ONCE = 8192  # Bounds what is held beside the embeddings.


def triplet_scores(embeddings: ArrayLike, triplets: ArrayLike) -> float:
    """Share of the triplets whose anchor is nearer to the positive than to the negative.

    Equal distances count as wrong, as do embeddings that are not finite: what
    `keras_mtl.metrics.TripletAccuracy` counts while a model is trained.

    Args:
        embeddings: Float array (N, D).
        triplets: Integers (K, 3), the rows of anchor, positive and negative.

    Returns:
        A float from 0 to 1; NaN if there are no triplets.

    Raises:
        ValueError: A shape does not fit, or `triplets` are not numbers of embeddings.

    Source: Zhao et al., A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval, ECCV 2018.

    Example:

    >>> from keras_mtl.metrics import triplet_scores
    >>> triplet_scores([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], [[0, 1, 2], [0, 2, 1]])
    0.5
    """
    embeddings, triplets = np.asarray(embeddings), np.asarray(triplets)
    if embeddings.ndim != 2:
        raise ValueError(
            f"`embeddings` must be of shape (N, D). Received: shape {embeddings.shape}."
        )
    check_triplets("triplets", triplets, len(embeddings))
    right = 0
    for start in range(0, len(triplets), TRIPLETS_AT_ONCE):
        chosen = embeddings[triplets[start : start + TRIPLETS_AT_ONCE]].astype("float64")
        to_positive, to_negative = ((chosen[:, :1] - chosen[:, 1:]) ** 2).sum(axis=-1).T
        right += int((to_positive < to_negative).sum())
    return right / len(triplets) if len(triplets) else float("nan")
