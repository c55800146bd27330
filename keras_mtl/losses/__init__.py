"""Losses over pixels."""

from keras_mtl.losses.depth_l1 import DepthL1
from keras_mtl.losses.normals_codebook_crossentropy import NormalsCodebookCrossentropy
from keras_mtl.losses.segmentation_crossentropy import SegmentationCrossentropy

__all__ = ["DepthL1", "NormalsCodebookCrossentropy", "SegmentationCrossentropy"]
