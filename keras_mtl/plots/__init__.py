"""The papers' figures, drawn into matplotlib axes (the extra `keras-mtl[plots]`)."""

from keras_mtl.plots.gain_per_class import gain_per_class
from keras_mtl.plots.pixel_predictions import pixel_predictions
from keras_mtl.plots.pyplot import pyplot
from keras_mtl.plots.sorted_alphas import sorted_alphas
from keras_mtl.plots.stitch_units import stitch_units

__all__ = ["gain_per_class", "pixel_predictions", "pyplot", "sorted_alphas", "stitch_units"]
