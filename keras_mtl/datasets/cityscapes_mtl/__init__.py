"""Cityscapes: photographs of streets with segmentation, instances and depth."""

from keras_mtl.datasets.cityscapes_mtl.classes import CLASSES_7, CLASSES_19
from keras_mtl.datasets.cityscapes_mtl.load import load

__all__ = ["CLASSES_19", "CLASSES_7", "load"]
