"""Keras optimizers with a learning rate per variable, and one that lets two groups take turns."""

from keras_mtl.optimizers.adam import Adam
from keras_mtl.optimizers.adamw import AdamW
from keras_mtl.optimizers.alternating import Alternating
from keras_mtl.optimizers.learning_rate_multipliers import LearningRateMultipliers
from keras_mtl.optimizers.sgd import SGD
from keras_mtl.optimizers.with_learning_rate_multipliers import with_learning_rate_multipliers

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Alternating",
    "LearningRateMultipliers",
    "with_learning_rate_multipliers",
]
