"""Taskonomy: photographs of buildings with segmentation, normals, depth, keypoints and edges."""

from keras_mtl.datasets.taskonomy.classes import CLASSES
from keras_mtl.datasets.taskonomy.load import load

__all__ = ["CLASSES", "load"]
