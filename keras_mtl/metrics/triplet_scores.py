"""Share of the triplets that an embedding orders rightly, of embeddings that are there already."""

import numpy as np

TRIPLETS_AT_ONCE = 8192  # Bounds what is held beside the embeddings.


def triplet_accuracy(embeddings, triplets):
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

    >>> from keras_mtl.metrics import triplet_accuracy
    >>> triplet_accuracy([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], [[0, 1, 2], [0, 2, 1]])
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


def check_triplets(name, triplets, num_rows):
    """Raises ValueError, naming the argument, unless they are integers (K, 3) below `num_rows`."""
    if triplets.ndim != 2 or triplets.shape[1] != 3 or triplets.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be integers (K, 3). "
            f"Received: {triplets.dtype} of shape {triplets.shape}."
        )
    if triplets.size and not 0 <= triplets.min() <= triplets.max() < num_rows:
        raise ValueError(
            f"`{name}` must be from 0 to {num_rows - 1}. "
            f"Received: {triplets.min()} to {triplets.max()}."
        )
