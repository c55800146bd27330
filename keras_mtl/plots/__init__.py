"""The papers' figures, drawn into matplotlib axes (the extra `keras-mtl[plots]`)."""

from keras_mtl.plots.affinity import affinity
from keras_mtl.plots.alpha_history import alpha_history
from keras_mtl.plots.compliance_history import compliance_history
from keras_mtl.plots.conflicts import conflicts
from keras_mtl.plots.detections import detections
from keras_mtl.plots.gain_per_class import gain_per_class
from keras_mtl.plots.loss_weights import loss_weights
from keras_mtl.plots.neighbours import neighbours
from keras_mtl.plots.performance_by_size import performance_by_size
from keras_mtl.plots.pixel_map import pixel_map
from keras_mtl.plots.pixel_predictions import pixel_predictions
from keras_mtl.plots.policy_history import policy_history
from keras_mtl.plots.policy_map import policy_map
from keras_mtl.plots.pyplot import pyplot
from keras_mtl.plots.sharing_tree import sharing_tree
from keras_mtl.plots.sorted_alphas import sorted_alphas
from keras_mtl.plots.split_performance import split_performance
from keras_mtl.plots.stages import stages
from keras_mtl.plots.stitch_units import stitch_units
from keras_mtl.plots.update_compliance import update_compliance

__all__ = [
    "affinity",
    "alpha_history",
    "compliance_history",
    "conflicts",
    "detections",
    "gain_per_class",
    "loss_weights",
    "neighbours",
    "performance_by_size",
    "pixel_map",
    "pixel_predictions",
    "policy_history",
    "policy_map",
    "pyplot",
    "sharing_tree",
    "sorted_alphas",
    "split_performance",
    "stages",
    "stitch_units",
    "update_compliance",
]
