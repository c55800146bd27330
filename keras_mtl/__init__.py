"""keras_mtl: what should my tasks share?"""

from keras_mtl import (
    applications,
    augmentation,
    callbacks,
    datasets,
    geometry,
    heads,
    layers,
    losses,
    metrics,
    optimizers,
    search,
    sharing,
    towers,
)
from keras_mtl.ensemble import Ensemble
from keras_mtl.multi_task_model import MultiTaskModel

__version__ = "0.1.0"

__all__ = [
    "Ensemble",
    "MultiTaskModel",
    "applications",
    "augmentation",
    "callbacks",
    "datasets",
    "geometry",
    "heads",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "search",
    "sharing",
    "towers",
]
