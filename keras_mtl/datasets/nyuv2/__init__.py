"""NYU Depth V2: photographs of rooms with segmentation, surface normals and depth."""

from keras_mtl.datasets.nyuv2.classes import CLASSES_13, CLASSES_40
from keras_mtl.datasets.nyuv2.load import load

__all__ = ["CLASSES_13", "CLASSES_40", "load"]
