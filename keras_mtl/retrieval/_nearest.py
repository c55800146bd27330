"""The k nearest rows: candidates by a fast library, their order by exact distances."""

import numpy as np

from keras_mtl._extra import extra

QUERIES_AT_ONCE = 256
SPARE = 8  # Candidates beyond k, so that rounding seldom asks for more.


def nearest(find, gallery, queries, k):
    """The k nearest of `gallery` (N, D) for each of `queries` (Q, D), float32 both.

    The libraries compute distances by a matrix product, whose rounding orders equals by chance.
    Here it only chooses candidates: as many as leave nothing outside that could be as near as the
    k-th.

    Args:
        find: A `NumpyFinder` or `FaissFinder` of `gallery`.
        gallery, queries: Arrays of finite numbers.
        k: At most N.

    Returns:
        Indices int64 (Q, k), and squared distances float32 (Q, k), ascending, equals by index.
    """
    indices = np.empty((len(queries), k), "int64")
    distances = np.empty((len(queries), k), "float32")
    for start in range(0, len(queries), QUERIES_AT_ONCE):
        part = slice(start, start + QUERIES_AT_ONCE)
        indices[part], distances[part] = _of_chunk(find, gallery, queries[part], k, k + SPARE)
    return indices, distances


def _of_chunk(find, gallery, queries, k, count):
    count = min(count, len(gallery))
    rough, candidates = find(queries, count)
    exact = np.empty(candidates.shape)
    for row, query in enumerate(queries.astype("float64")):
        exact[row] = ((gallery[candidates[row]] - query) ** 2).sum(axis=1)
    order = np.lexsort((candidates, exact))[:, :k]
    indices = np.take_along_axis(candidates, order, axis=1)
    distances = np.take_along_axis(exact, order, axis=1)
    if count < len(gallery):
        # What rounding may change in a float32 sum of D products, generously. Whatever is nearer
        # than the farthest candidate is no longer than that and the query together.
        size = (queries.astype("float64") ** 2).sum(axis=1) + np.abs(rough).max(axis=1)
        error = 8 * np.finfo("float32").eps * np.sqrt(gallery.shape[1]) * size
        unsure = rough.max(axis=1) - error <= distances[:, -1]
        if unsure.any():
            more = _of_chunk(find, gallery, queries[unsure], k, 4 * count)
            indices[unsure], distances[unsure] = more
    return indices, distances


class NumpyFinder:
    """Candidates by NumPy: callable (queries (Q, D), count) -> (distances, indices), (Q, count).

    Args:
        gallery: Float32 (N, D).
    """

    def __init__(self, gallery):
        self._gallery = gallery
        self._squares = (gallery**2).sum(axis=1)

    def __call__(self, queries, count):
        distances = self._squares - 2 * queries @ self._gallery.T
        distances += (queries**2).sum(axis=1, keepdims=True)
        indices = np.argpartition(distances, count - 1, axis=1)[:, :count]
        return np.take_along_axis(distances, indices, axis=1), indices


class FaissFinder:
    """Candidates by FAISS; as `NumpyFinder`."""

    def __init__(self, gallery):
        faiss = extra("`library='faiss'` needs FAISS", "retrieval", "faiss")
        self._index = faiss.IndexFlatL2(gallery.shape[1])
        self._index.add(gallery)

    def __call__(self, queries, count):
        return self._index.search(queries, count)


FINDERS = {"numpy": NumpyFinder, "faiss": FaissFinder}
