"""Keras optimizers with a learning rate per variable, and one that lets two groups take turns."""

from keras_mtl.optimizers.adam import Adam as Adam
from keras_mtl.optimizers.adamw import AdamW as AdamW
from keras_mtl.optimizers.alternating import Alternating as Alternating
from keras_mtl.optimizers.learning_rate_multipliers import (
    LearningRateMultipliers as LearningRateMultipliers,
)
from keras_mtl.optimizers.sgd import SGD as SGD
from keras_mtl.optimizers.with_learning_rate_multipliers import (
    with_learning_rate_multipliers as with_learning_rate_multipliers,
)
