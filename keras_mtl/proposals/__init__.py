"""Where objects may be: the RoIs that a detector classifies, in NumPy."""

from keras_mtl.proposals.jittered_boxes import jittered_boxes
from keras_mtl.proposals.selective_search import selective_search

__all__ = ["jittered_boxes", "selective_search"]
