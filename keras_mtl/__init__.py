"""keras_mtl: what should my tasks share?"""

from keras_mtl import (
    applications,
    augmentation,
    boxes,
    callbacks,
    datasets,
    geometry,
    gradients,
    heads,
    layers,
    losses,
    metrics,
    optimizers,
    proposals,
    retrieval,
    search,
    sharing,
    towers,
    weights,
)
from keras_mtl.detect import detect
from keras_mtl.ensemble import Ensemble
from keras_mtl.modulation import fold, modulate
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.predict_regions import predict_regions

__version__ = "0.1.0"

__all__ = [
    "Ensemble",
    "MultiTaskModel",
    "applications",
    "augmentation",
    "boxes",
    "callbacks",
    "datasets",
    "detect",
    "fold",
    "geometry",
    "gradients",
    "heads",
    "layers",
    "losses",
    "metrics",
    "modulate",
    "optimizers",
    "predict_regions",
    "proposals",
    "retrieval",
    "search",
    "sharing",
    "towers",
    "weights",
]
