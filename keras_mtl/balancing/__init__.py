"""How the losses, or the gradients, of the tasks are weighted against each other in one step."""

from keras_mtl.balancing.balancing import Balancing, GradientBalancing, LossBalancing, Seen
from keras_mtl.balancing.dynamic_weight_average import DynamicWeightAverage
from keras_mtl.balancing.famo import FAMO
from keras_mtl.balancing.fixed_weights import FixedWeights
from keras_mtl.balancing.geometric_mean import GeometricMean
from keras_mtl.balancing.grad_drop import GradDrop
from keras_mtl.balancing.imtl_loss import IMTLLoss
from keras_mtl.balancing.random_loss_weighting import RandomLossWeighting
from keras_mtl.balancing.smooth_tchebycheff import SmoothTchebycheff
from keras_mtl.balancing.smoothed import Smoothed
from keras_mtl.balancing.uncertainty import Uncertainty

__all__ = [
    "FAMO",
    "Balancing",
    "DynamicWeightAverage",
    "FixedWeights",
    "GeometricMean",
    "GradDrop",
    "GradientBalancing",
    "IMTLLoss",
    "LossBalancing",
    "RandomLossWeighting",
    "Seen",
    "SmoothTchebycheff",
    "Smoothed",
    "Uncertainty",
]
