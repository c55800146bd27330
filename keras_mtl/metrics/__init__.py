"""Metrics of segmentation, normals, depth, detection, attributes and retrieval."""

from keras_mtl.metrics.attribute_average_precision import attribute_average_precision
from keras_mtl.metrics.average_precision import average_precision
from keras_mtl.metrics.depth_absolute_error import DepthAbsoluteError
from keras_mtl.metrics.depth_relative_error import DepthRelativeError
from keras_mtl.metrics.depth_scores import DepthScores
from keras_mtl.metrics.depth_within_ratio import DepthWithinRatio
from keras_mtl.metrics.detection_average_precision import detection_average_precision
from keras_mtl.metrics.frequency_weighted_iu import FrequencyWeightedIU
from keras_mtl.metrics.known_metric import KnownMetric
from keras_mtl.metrics.map_absolute_error import MapAbsoluteError
from keras_mtl.metrics.mean_angular_error import MeanAngularError
from keras_mtl.metrics.mean_iu import MeanIU
from keras_mtl.metrics.median_angular_error import MedianAngularError
from keras_mtl.metrics.normals_scores import NormalsScores
from keras_mtl.metrics.pixel_accuracy import PixelAccuracy
from keras_mtl.metrics.retrieval_scores import retrieval_scores
from keras_mtl.metrics.segmentation_scores import SegmentationScores
from keras_mtl.metrics.triplet_accuracy import TripletAccuracy
from keras_mtl.metrics.triplet_scores import triplet_scores
from keras_mtl.metrics.within_angle import WithinAngle

__all__ = [
    "DepthAbsoluteError",
    "DepthRelativeError",
    "DepthScores",
    "DepthWithinRatio",
    "FrequencyWeightedIU",
    "KnownMetric",
    "MapAbsoluteError",
    "MeanAngularError",
    "MeanIU",
    "MedianAngularError",
    "NormalsScores",
    "PixelAccuracy",
    "SegmentationScores",
    "TripletAccuracy",
    "WithinAngle",
    "attribute_average_precision",
    "average_precision",
    "detection_average_precision",
    "retrieval_scores",
    "triplet_scores",
]
