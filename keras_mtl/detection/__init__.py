"""Detectors of objects, run on images that have each its own regions."""

from keras_mtl.detection.detect import detect
from keras_mtl.detection.predict_regions import predict_regions

__all__ = ["detect", "predict_regions"]
