"""CelebA: photographs of faces with 40 attributes."""

from keras_mtl.datasets.celeba.attributes import ATTRIBUTES, TASK_NAMES
from keras_mtl.datasets.celeba.load import load

__all__ = ["ATTRIBUTES", "TASK_NAMES", "load"]
