"""How well what lies near a query is of its kind."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_integer

DISTANCES_AT_ONCE = 1 << 24  # 128 MB of float64.


def retrieval_scores(
    queries: ArrayLike,
    query_labels: ArrayLike,
    gallery: ArrayLike | None = None,
    gallery_labels: ArrayLike | None = None,
    ks: Sequence[int] = (1, 5, 10),
) -> dict[str, float]:
    """Rates embeddings by what they find: recall at k, and mean average precision.

    The gallery is ranked by the squared Euclidean distance from each query. Recall at k is the
    share of the queries that have one of their own label, or more, among the k nearest. The average
    precision of a query is the mean, over all of its label, of the precision down to it: plain,
    where `average_precision` takes the best precision at any higher recall.

    Equal distances are no ranking, and no order of the gallery counts as one: for the average
    precision they are one threshold (as in scikit-learn), for the recall those of another label
    come first. An embedding that has collapsed to a point has the recall 0, unless the k nearest
    are more than those of another label.

    All distances are computed, in chunks of queries: 1,000 queries in a gallery of 50,000
    embeddings of 64 numbers each take some 3 seconds on one core.

    Args:
        queries: Float array (Q, D).
        query_labels: Integers (Q,); -1 is unknown, and such a row is left out.
        gallery: Float array (G, D); by default the queries are the gallery, and each query is left
            out of its own ranking.
        gallery_labels: Integers (G,), as `query_labels`; with `gallery` only.
        ks: The k's of the recalls.

    Returns:
        Dict of floats from 0 to 1: `"recall@{k}"` for each k, and `"mean_ap"`; means over the
        queries with one of their label or more in the gallery, the others are left out. NaN if
        there is no such query.

    Raises:
        ValueError: A shape does not fit, an embedding is not finite, or a k is no integer above 0.

    Example:

    >>> from keras_mtl.metrics import retrieval_scores
    >>> retrieval_scores([[0.0], [1.0], [3.0], [4.5]], [0, 0, 1, 0], ks=(1, 2))
    {'recall@1': 0.6666666666666666, 'recall@2': 1.0, 'mean_ap': 0.75}
    """
    from scipy.spatial.distance import cdist

    ks = [check_integer("ks", k, 1) for k in ks]
    queries, query_labels = _known("queries", queries, query_labels)
    alone = gallery is None
    if alone and gallery_labels is not None:
        raise ValueError("`gallery_labels` must be None without a `gallery`. Received: labels.")
    if not alone:
        gallery, gallery_labels = _known("gallery", gallery, gallery_labels)
        if gallery.shape[1] != queries.shape[1]:
            raise ValueError(
                f"`gallery` must have the {queries.shape[1]} columns of `queries`. "
                f"Received: {gallery.shape[1]}."
            )
    else:
        gallery, gallery_labels = queries, query_labels
    others_before, precisions = [], []
    step = max(1, DISTANCES_AT_ONCE // max(1, len(gallery)))
    for start in range(0, len(queries), step):
        # Pair by pair: by way of a matrix product, equals would differ in their last digits.
        distances = cdist(queries[start : start + step], gallery, "sqeuclidean")
        if alone:
            rows = np.arange(len(distances))
            distances[rows, start + rows] = np.inf
        alike = query_labels[start : start + step, None] == gallery_labels
        for row, matches in zip(distances, alike, strict=True):
            near = np.sort(row[matches & (row < np.inf)])
            if not len(near):
                continue
            row.sort()
            hits = np.searchsorted(near, near, "right")
            ranks = np.searchsorted(row, near, "right")
            others_before.append(ranks[0] - hits[0])
            precisions.append(np.mean(hits / ranks))
    if not precisions:
        return {**{f"recall@{k}": float("nan") for k in ks}, "mean_ap": float("nan")}
    recalls = {f"recall@{k}": float(np.mean(np.array(others_before) < k)) for k in ks}
    return {**recalls, "mean_ap": float(np.mean(precisions))}


def _known(name, embeddings, labels):
    """The rows whose label is known, as float64, and their labels."""
    embeddings, labels = np.asarray(embeddings, "float64"), np.asarray(labels)
    labels_name = {"queries": "query_labels"}.get(name, f"{name}_labels")
    if embeddings.ndim != 2:
        raise ValueError(f"`{name}` must be of shape (N, D). Received: shape {embeddings.shape}.")
    if labels.shape != (len(embeddings),) or (labels.size and labels.dtype.kind not in "iu"):
        raise ValueError(
            f"`{labels_name}` must be integers, one for each of the {len(embeddings)} rows of "
            f"`{name}`. Received: {labels.dtype} of shape {labels.shape}."
        )
    if not np.isfinite(embeddings).all():
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinite values.")
    known = labels != -1
    return embeddings[known], labels[known]
