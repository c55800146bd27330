"""Geometry of scenes: the three directions that walls, floors and ceilings agree on."""

from keras_mtl.geometry.manhattan_frame import manhattan_frame
from keras_mtl.geometry.rectify_normals import rectify_normals

__all__ = ["manhattan_frame", "rectify_normals"]
