"""keras_mtl: what should my tasks share?"""

from keras_mtl import (
    applications,
    augmentation,
    boxes,
    callbacks,
    datasets,
    geometry,
    heads,
    layers,
    losses,
    metrics,
    optimizers,
    proposals,
    search,
    sharing,
    towers,
)
from keras_mtl.detect import detect
from keras_mtl.ensemble import Ensemble
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
    "geometry",
    "heads",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "predict_regions",
    "proposals",
    "search",
    "sharing",
    "towers",
]
