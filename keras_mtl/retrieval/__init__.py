"""Finding images by their embeddings: an index for each task."""

from keras_mtl.retrieval.embedding_index import EmbeddingIndex

__all__ = ["EmbeddingIndex"]
