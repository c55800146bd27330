"""Data sets, and feeding them to `fit`."""

from keras_mtl.datasets import multi_fashion, rooms
from keras_mtl.datasets.array_batches import ArrayBatches

__all__ = ["ArrayBatches", "multi_fashion", "rooms"]
