"""Losses over pixels, over regions of interest and over triplets of embeddings."""

from keras_mtl.losses.attributes_crossentropy import AttributesCrossentropy
from keras_mtl.losses.class_weights import class_weights
from keras_mtl.losses.depth_l1 import DepthL1
from keras_mtl.losses.detection_crossentropy import DetectionCrossentropy
from keras_mtl.losses.known_loss import KnownLoss
from keras_mtl.losses.map_l1 import MapL1
from keras_mtl.losses.normals_codebook_crossentropy import NormalsCodebookCrossentropy
from keras_mtl.losses.normals_cosine import NormalsCosine
from keras_mtl.losses.segmentation_crossentropy import SegmentationCrossentropy
from keras_mtl.losses.smooth_l1 import SmoothL1
from keras_mtl.losses.triplet_loss import TripletLoss

__all__ = [
    "AttributesCrossentropy",
    "DepthL1",
    "DetectionCrossentropy",
    "KnownLoss",
    "MapL1",
    "NormalsCodebookCrossentropy",
    "NormalsCosine",
    "SegmentationCrossentropy",
    "SmoothL1",
    "TripletLoss",
    "class_weights",
]
