"""Geometry of scenes: words for normals, and the directions that walls and floors agree on."""

from keras_mtl.geometry.manhattan_frame import manhattan_frame
from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.geometry.rectify_normals import rectify_normals

__all__ = ["NormalsCodebook", "manhattan_frame", "rectify_normals"]
