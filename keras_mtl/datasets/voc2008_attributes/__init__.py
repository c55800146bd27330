"""VOC 2008 with the attributes of aPascal: objects with a box, a class and 64 attributes."""

from keras_mtl.datasets.voc2008_attributes.classes import ATTRIBUTES, AYAHOO_CLASSES, CLASSES
from keras_mtl.datasets.voc2008_attributes.load import load

__all__ = ["ATTRIBUTES", "AYAHOO_CLASSES", "CLASSES", "load"]
