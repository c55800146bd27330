"""UT-Zappos50K: pictures of shoes, alike in their class, closure, gender or heel."""

from keras_mtl.datasets.ut_zappos50k.load import load
from keras_mtl.datasets.ut_zappos50k.properties import COLUMNS, PROPERTIES

__all__ = ["COLUMNS", "PROPERTIES", "load"]
