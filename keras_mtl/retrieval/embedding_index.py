"""Images that can be searched by what they have in common for a task."""

from collections.abc import Sequence
from typing import Literal, Self

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._checks import check_choice, check_integer
from keras_mtl._files import file_of, whole_file
from keras_mtl._types import Array, PathLike
from keras_mtl.retrieval._nearest import FINDERS, nearest


class EmbeddingIndex:
    """Finds the images of a gallery that are nearest to a query, for each task by its embedding.

    The gallery is embedded once for each task. A search compares the query with all of it; what
    comes out does not depend on the library: FAISS is faster, and an extra,
    `pip install 'keras-mtl[retrieval]'`.

    Args:
        model: Keras model of `[images, task]`, images (B, H, W, 3) and task int32 (B,), that gives
            embeddings (B, D).
        images: Array (N, H, W, 3), the gallery.
        tasks: List of the tasks' names; what the model is given is the place in it.
        library: What searches: `"numpy"` or `"faiss"`.
        batch_size: Images that are embedded at once.

    Attributes:
        tasks: List of the names.
        embeddings: Dict from a task's name to float32 (N, D).

    Raises:
        ValueError: An argument is of another form, or an embedding is not finite.
        ImportError: FAISS is asked for, and not installed.

    Source: Zhao et al., A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval, ECCV 2018; Johnson, Douze, Jégou, Billion-Scale Similarity Search with GPUs, 2017,
    for FAISS.

    Example:

    >>> from keras_mtl.retrieval import EmbeddingIndex
    >>> image, task = keras.Input((2, 2, 3)), keras.Input((), dtype="int32")
    >>> scale = keras.layers.Embedding(2, 12, embeddings_initializer="ones")(task)
    >>> model = keras.Model([image, task], keras.layers.Flatten()(image) * scale)
    >>> gallery = np.arange(5.0)[:, None, None, None] * np.ones((2, 2, 3))
    >>> index = EmbeddingIndex(model, gallery, tasks=["shape", "colour"])
    >>> indices, distances = index.search(gallery[3:4], "colour", k=3)
    >>> print(indices, distances)
    [[3 2 4]] [[ 0. 12. 12.]]
    """

    def __init__(
        self,
        model: keras.Model,
        images: Array,
        tasks: Sequence[str],
        library: Literal["numpy", "faiss"] = "numpy",
        batch_size: int = 256,
    ) -> None:
        tasks = _names(tasks)
        self.model, self.batch_size = model, check_integer("batch_size", batch_size, 1)
        embeddings = {
            task: self._embed("images", images, place) for place, task in enumerate(tasks)
        }
        self._keep(embeddings, library)

    def search(self, queries: Array, task: str, k: int = 10) -> tuple[Array, Array]:
        """The k nearest images of the gallery for each query.

        Args:
            queries: Array (Q, H, W, 3) of images.
            task: Name of a task.
            k: From 1 to N.

        Returns:
            Indices int64 (Q, k) and squared Euclidean distances float32 (Q, k), ascending; of
            equal distances the lower index comes first.

        Raises:
            ValueError: There is no such task, `k` is out of range, or the index was loaded without
                its model.
        """
        self._check(task, k)
        if self.model is None:
            raise ValueError(
                "`model` must be given to `load` for a search by images; `search_embeddings` works "
                "without. Received: None."
            )
        embeddings = self._embed("queries", queries, self.tasks.index(task))
        return self.search_embeddings(embeddings, task, k)

    def search_embeddings(
        self, embeddings: ArrayLike, task: str, k: int = 10
    ) -> tuple[Array, Array]:
        """As `search`, by embeddings (Q, D) that the model gave for the task."""
        gallery, embeddings = self._check(task, k), np.asarray(embeddings, "float32")
        if embeddings.ndim != 2 or embeddings.shape[1] != gallery.shape[1]:
            raise ValueError(
                f"`embeddings` must be of shape (Q, {gallery.shape[1]}). "
                f"Received: shape {embeddings.shape}."
            )
        _check_finite("`embeddings`", embeddings)
        return nearest(self._finders[task], gallery, np.ascontiguousarray(embeddings), k)

    def save(self, path: PathLike) -> None:
        """Writes the embeddings, but not the model, as a NumPy archive, whole or not at all.

        Args:
            path: The file, of just that name; `.npz` is customary.
        """
        # A name in the archive is a name in a file system: tasks may be called anything.
        arrays = {
            f"embeddings_{place}": self.embeddings[task] for place, task in enumerate(self.tasks)
        }
        # Given a name, NumPy might add to it.
        with whole_file(path) as unfinished, unfinished.open("wb") as file:
            np.savez(file, tasks=np.array(self.tasks), **arrays)

    @classmethod
    def load(
        cls,
        path: PathLike,
        model: keras.Model | None = None,
        library: Literal["numpy", "faiss"] = "numpy",
        batch_size: int = 256,
    ) -> Self:
        """An index that `save` wrote.

        Args:
            path: The file.
            model: The model that it was made with; `search_embeddings` works without.
            library, batch_size: As of the class.

        Raises:
            ValueError: The file is another one, or an argument is out of range.
        """
        index = cls.__new__(cls)
        index.model, index.batch_size = model, check_integer("batch_size", batch_size, 1)
        with file_of("EmbeddingIndex.save", path), np.load(path, allow_pickle=False) as file:
            tasks = _names(file["tasks"].tolist())
            embeddings = {task: file[f"embeddings_{place}"] for place, task in enumerate(tasks)}
            for each in embeddings.values():
                if each.dtype != "float32" or each.ndim != 2:
                    raise ValueError(f"Embeddings must be float32 (N, D), not {each.dtype}.")
        index._keep(embeddings, library)
        return index

    def _keep(self, embeddings, library):
        check_choice("library", library, FINDERS)
        self.tasks, self.embeddings, self.library = list(embeddings), embeddings, library
        self._finders = {task: FINDERS[library](each) for task, each in embeddings.items()}

    def _embed(self, name, images, place):
        """Embeddings of images for the task at a place, float32 (N, D)."""
        if not len(images):
            raise ValueError(f"`{name}` must hold at least one image. Received: none.")
        found = []
        for start in range(0, len(images), self.batch_size):
            batch = np.asarray(images[start : start + self.batch_size], "float32")
            task = np.full(len(batch), place, "int32")
            found.append(np.asarray(self.model.predict_on_batch([batch, task]), "float32"))
        embeddings = np.ascontiguousarray(np.concatenate(found))
        _check_finite("The embeddings of `model`", embeddings)
        return embeddings

    def _check(self, task, k):
        """The gallery of a task."""
        check_choice("task", task, self.tasks)
        gallery = self.embeddings[task]
        check_integer("k", k, 1, len(gallery))
        return gallery


def _names(tasks):
    names = [] if isinstance(tasks, str) else list(tasks)
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`tasks` must be a list of different names. Received: {tasks!r}.")
    return names


def _check_finite(what, embeddings):
    if not np.isfinite(embeddings).all():
        raise ValueError(
            f"{what} must be finite. Received: NaN or infinite values in "
            f"{int((~np.isfinite(embeddings)).any(axis=-1).sum())} of {len(embeddings)}."
        )
