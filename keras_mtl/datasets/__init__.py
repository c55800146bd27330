"""Data sets, and feeding them to `fit`."""

from keras_mtl.datasets import (
    celeba,
    cityscapes_mtl,
    multi_fashion,
    nyuv2,
    rooms,
    taskonomy,
    ut_zappos50k,
    voc2008_attributes,
)
from keras_mtl.datasets.alternating_batches import AlternatingBatches
from keras_mtl.datasets.array_batches import ArrayBatches
from keras_mtl.datasets.center_offsets import center_offsets
from keras_mtl.datasets.edge_map import edge_map
from keras_mtl.datasets.image_files import ImageFiles
from keras_mtl.datasets.joined_batches import JoinedBatches
from keras_mtl.datasets.keypoint_map import keypoint_map
from keras_mtl.datasets.label_column import LabelColumn
from keras_mtl.datasets.labelled_images import LabelledImages
from keras_mtl.datasets.lazy_array import LazyArray
from keras_mtl.datasets.object_crops import object_crops
from keras_mtl.datasets.roi_batches import RoIBatches
from keras_mtl.datasets.roi_sampling import RoISampling
from keras_mtl.datasets.sample_rois import sample_rois
from keras_mtl.datasets.sample_triplets import sample_triplets
from keras_mtl.datasets.triplet_batches import TripletBatches

__all__ = [
    "AlternatingBatches",
    "ArrayBatches",
    "ImageFiles",
    "JoinedBatches",
    "LabelColumn",
    "LabelledImages",
    "LazyArray",
    "RoIBatches",
    "RoISampling",
    "TripletBatches",
    "celeba",
    "center_offsets",
    "cityscapes_mtl",
    "edge_map",
    "keypoint_map",
    "multi_fashion",
    "nyuv2",
    "object_crops",
    "rooms",
    "sample_rois",
    "sample_triplets",
    "taskonomy",
    "ut_zappos50k",
    "voc2008_attributes",
]
