"""The index against a brute-force search, with ties, by both libraries."""

import sys

import keras
import numpy as np
import pytest

from keras_mtl.retrieval import EmbeddingIndex
from keras_mtl.retrieval import _nearest as module

TASKS = ["shape", "colour"]


@pytest.fixture(params=["numpy", "faiss"])
def library(request):
    if request.param == "faiss":
        pytest.importorskip("faiss")
    return request.param


class Projections:
    """Stands in for a model: a fixed projection for each task."""

    def __init__(self, rng, size):
        self.matrices = rng.normal(size=(2, 12, size)).astype("float32")
        self.batches = []

    def predict_on_batch(self, inputs):
        images, task = inputs
        assert images.dtype == np.float32 and task.dtype == np.int32
        assert task.shape == (len(images),) and len(set(task)) == 1
        self.batches.append(len(images))
        return images.reshape(len(images), -1) @ self.matrices[task[0]]


def brute_force(gallery, queries, k):
    distances = np.array([[np.sum((g - q) ** 2) for g in gallery] for q in queries])
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(distances, order, axis=1)


@pytest.mark.one_backend
@pytest.mark.parametrize("k", [1, 7, 40])
def test_equals_brute_force(rng, library, k):
    model = Projections(rng, 5)
    gallery, queries = rng.random((40, 2, 2, 3)), rng.random((9, 2, 2, 3))
    index = EmbeddingIndex(model, gallery, TASKS, library, batch_size=16)
    assert model.batches == [16, 16, 8] * 2
    for place, task in enumerate(TASKS):
        embedded, asked = (
            images.astype("float32").reshape(-1, 12) @ model.matrices[place]
            for images in (gallery, queries)
        )
        np.testing.assert_allclose(index.embeddings[task], embedded, rtol=1e-6)
        indices, distances = index.search(queries, task, k)
        expected = brute_force(embedded, asked, k)
        np.testing.assert_array_equal(indices, expected[0])
        np.testing.assert_allclose(distances, expected[1], rtol=1e-4)
        assert indices.dtype == np.int64 and distances.dtype == np.float32
        again = index.search_embeddings(asked, task, k)
        np.testing.assert_array_equal(again[0], indices)


def of(embeddings, library):
    """An index of one task that has these embeddings."""

    class Model:
        def predict_on_batch(self, inputs):
            return inputs[0]

    return EmbeddingIndex(Model(), embeddings, ["task"], library)


@pytest.mark.one_backend
@pytest.mark.parametrize("k", [1, 3, 10, 25])
def test_ties_are_ordered_by_index(rng, library, k):
    """Each of 10 embeddings 20 times, of a length where a matrix product rounds."""
    different = rng.normal(size=(10, 33)).astype("float32")
    places = rng.permutation(200) % 10
    indices, distances = of(different[places], library).search_embeddings(different, "task", k)
    for number, found in enumerate(indices):
        same = np.flatnonzero(places == number)
        np.testing.assert_array_equal(found[:20], same[:k])
    np.testing.assert_array_equal(distances[:, :20], 0)
    expected = brute_force(different[places].astype("float64"), different.astype("float64"), k)
    np.testing.assert_array_equal(indices, expected[0])


@pytest.mark.one_backend
def test_a_collapsed_embedding_gives_the_first(library):
    embeddings = np.full((500, 17), 0.3, "float32")
    indices, distances = of(embeddings, library).search_embeddings(embeddings[:2], "task", 6)
    np.testing.assert_array_equal(indices, [np.arange(6)] * 2)
    np.testing.assert_array_equal(distances, np.zeros((2, 6)))


@pytest.mark.one_backend
def test_near_ties_far_from_the_origin(rng, library):
    """Differences of 1e-4 at a distance of 100: lost in squares of float32."""
    gallery = (100 + 1e-4 * rng.normal(size=(60, 8))).astype("float32")
    queries = (100 + 1e-4 * rng.normal(size=(5, 8))).astype("float32")
    indices, _ = of(gallery, library).search_embeddings(queries, "task", 4)
    expected = brute_force(gallery.astype("float64"), queries.astype("float64"), 4)
    np.testing.assert_array_equal(indices, expected[0])


@pytest.mark.one_backend
def test_by_chunks_of_queries(rng, library, monkeypatch):
    index, queries = of(rng.normal(size=(50, 4)), library), rng.normal(size=(11, 4))
    whole = index.search_embeddings(queries, "task", 5)
    monkeypatch.setattr(module, "QUERIES_AT_ONCE", 4)
    for ours, theirs in zip(index.search_embeddings(queries, "task", 5), whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    nothing = index.search_embeddings(np.zeros((0, 4)), "task", 5)
    assert nothing[0].shape == nothing[1].shape == (0, 5)


@pytest.mark.one_backend
def test_save_and_load(rng, library, tmp_path):
    model, gallery = Projections(rng, 5), rng.random((20, 2, 2, 3))
    index = EmbeddingIndex(model, gallery, ["shape", "a/b"], library)
    index.save(tmp_path / "index.npz")
    again = EmbeddingIndex.load(tmp_path / "index.npz", model, library)
    assert again.tasks == ["shape", "a/b"]
    for task in index.tasks:
        found, expected = again.search(gallery[:4], task, 3), index.search(gallery[:4], task, 3)
        np.testing.assert_array_equal(found, expected)
        assert found[0][:, 0].tolist() == [0, 1, 2, 3]
    without = EmbeddingIndex.load(tmp_path / "index.npz")
    queries = index.embeddings["a/b"][:4]
    np.testing.assert_array_equal(without.search_embeddings(queries, "a/b", 3), found)
    with pytest.raises(ValueError, match="`model` must be given .*; `search_embeddings` works"):
        without.search(gallery[:4], "a/b", 3)


@pytest.mark.one_backend
def test_a_file_has_the_name_it_is_given_and_is_whole(rng, tmp_path, monkeypatch):
    index = of(rng.normal(size=(4, 3)), "numpy")
    path = tmp_path / "gallery"
    index.save(str(path))
    assert list(tmp_path.iterdir()) == [path]

    def fill_the_disk(file, **arrays):
        file.write(b"PK")
        raise OSError

    monkeypatch.setattr(np, "savez", fill_the_disk)
    with pytest.raises(OSError):
        index.save(path)
    found = EmbeddingIndex.load(path).embeddings["task"]
    np.testing.assert_array_equal(found, index.embeddings["task"])


@pytest.mark.one_backend
def test_another_file_is_refused(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, names=np.arange(3))
    archive = path.read_bytes()
    np.savez(path, tasks=np.array(3))
    scalar = path.read_bytes()
    np.save(tmp_path / "array.npy", np.arange(3))
    array = (tmp_path / "array.npy").read_bytes()
    np.savez(path, tasks=np.array(["a"]), embeddings_0=np.zeros(3, "float32"))
    flat = path.read_bytes()
    for content in (archive, scalar, array, flat, archive[:60], b"", b"step,epoch\n"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="`path` must be a whole file of `Emb.*other.npz"):
            EmbeddingIndex.load(path)
    with pytest.raises(FileNotFoundError):
        EmbeddingIndex.load(tmp_path / "nothing.npz")


def test_of_a_keras_model(rng):
    image, task = keras.Input((2, 2, 3)), keras.Input((), dtype="int32")
    table = keras.layers.Embedding(2, 12)
    model = keras.Model([image, task], keras.layers.Flatten()(image) * table(task))
    scales = rng.normal(size=(2, 12)).astype("float32")
    table.set_weights([scales])
    gallery = rng.integers(256, size=(7, 2, 2, 3)).astype("uint8")
    index = EmbeddingIndex(model, gallery, TASKS, batch_size=7)
    for place, name in enumerate(TASKS):
        embeddings = gallery.reshape(7, 12) * scales[place]
        np.testing.assert_allclose(index.embeddings[name], embeddings, rtol=1e-6)
        indices, _ = index.search(gallery, name, k=2)
        np.testing.assert_array_equal(indices, brute_force(embeddings, embeddings, 2)[0])


@pytest.mark.one_backend
def test_without_faiss(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(ImportError, match=r"keras-mtl\[retrieval\]"):
        of(np.zeros((2, 3)), "faiss")


@pytest.mark.one_backend
def test_refusals(rng):
    model, images = Projections(rng, 5), rng.random((4, 2, 2, 3))
    for kwargs, message in (
        ({"tasks": "shape"}, "`tasks` must be a list of different names. Received: 'shape'"),
        ({"tasks": ["a", "a"]}, "`tasks` must be a list of different names"),
        ({"tasks": []}, "`tasks` must be a list"),
        ({"library": "scann"}, "`library` must be one of .*'scann'"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"images": images[:0]}, "`images` must hold at least one"),
        ({"images": images * np.nan}, "embeddings of `model` must be finite.*4 of 4"),
    ):
        with pytest.raises(ValueError, match=message):
            EmbeddingIndex(**{"model": model, "images": images, "tasks": TASKS, **kwargs})
    index = EmbeddingIndex(model, images, TASKS)
    with pytest.raises(ValueError, match="`task` must be one of .*'size'"):
        index.search(images, "size", 1)
    with pytest.raises(ValueError, match="`queries` must hold at least one"):
        index.search(images[:0], "shape", 1)
    with pytest.raises(ValueError, match="`k` must be an integer from 1 to 4. Received: k=5"):
        index.search(images, "shape", 5)
    with pytest.raises(ValueError, match=r"`embeddings` must be of shape \(Q, 5\).*\(2, 4\)"):
        index.search_embeddings(np.zeros((2, 4)), "shape", 1)
    with pytest.raises(ValueError, match="`embeddings` must be finite.*2 of 2"):
        index.search_embeddings(np.full((2, 5), np.nan), "shape", 1)
