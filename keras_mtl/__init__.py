"""keras_mtl: what should my tasks share?"""

from keras_mtl import (
    applications,
    augmentation,
    balancing,
    boxes,
    callbacks,
    datasets,
    detection,
    geometry,
    gradients,
    heads,
    layers,
    losses,
    metrics,
    modulation,
    optimizers,
    plots,
    proposals,
    retrieval,
    search,
    sharing,
    study,
    towers,
    weights,
)
from keras_mtl._tensorflow_if_loaded import use_tensorflow_if_loaded
from keras_mtl.detection import detect, predict_regions
from keras_mtl.ensemble import Ensemble
from keras_mtl.modulation import fold, modulate
from keras_mtl.multi_task_model import MultiTaskModel, balanced
from keras_mtl.speed import speed_up, tune_allocator
from keras_mtl.study import Study, compare
from keras_mtl.task import Task

__version__ = "0.1.0"

use_tensorflow_if_loaded()

__all__ = [
    "Ensemble",
    "MultiTaskModel",
    "Study",
    "Task",
    "applications",
    "augmentation",
    "balanced",
    "balancing",
    "boxes",
    "callbacks",
    "compare",
    "datasets",
    "detect",
    "detection",
    "fold",
    "geometry",
    "gradients",
    "heads",
    "layers",
    "losses",
    "metrics",
    "modulate",
    "modulation",
    "optimizers",
    "plots",
    "predict_regions",
    "proposals",
    "retrieval",
    "search",
    "sharing",
    "speed_up",
    "study",
    "towers",
    "tune_allocator",
    "weights",
]
