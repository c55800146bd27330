"""Rendered rooms with exact annotations: the data set that every recipe runs on by default."""

from keras_mtl.datasets.rooms.load import load
from keras_mtl.datasets.rooms.vocabulary import (
    ATTRIBUTES,
    CLASSES,
    COLORS,
    NUM_CLASSES,
    SHAPES,
    TEXTURES,
    VOID,
)

__all__ = ["ATTRIBUTES", "CLASSES", "COLORS", "NUM_CLASSES", "SHAPES", "TEXTURES", "VOID", "load"]
