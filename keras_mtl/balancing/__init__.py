"""How the losses, or the gradients, of the tasks are weighted against each other in one step."""

from keras_mtl.balancing.aligned_mtl import AlignedMTL
from keras_mtl.balancing.balancing import Balancing, GradientBalancing, LossBalancing, Seen
from keras_mtl.balancing.cagrad import CAGrad
from keras_mtl.balancing.con_fig import ConFIG
from keras_mtl.balancing.db_mtl import DBMTL
from keras_mtl.balancing.dual_projection import DualProjection
from keras_mtl.balancing.dynamic_weight_average import DynamicWeightAverage
from keras_mtl.balancing.equal_weights import EqualWeights
from keras_mtl.balancing.fair_grad import FairGrad
from keras_mtl.balancing.famo import FAMO
from keras_mtl.balancing.fixed_weights import FixedWeights
from keras_mtl.balancing.geometric_mean import GeometricMean
from keras_mtl.balancing.grad_drop import GradDrop
from keras_mtl.balancing.grad_norm import GradNorm
from keras_mtl.balancing.grad_vac import GradVac
from keras_mtl.balancing.imtl_grad import IMTLGrad
from keras_mtl.balancing.imtl_loss import IMTLLoss
from keras_mtl.balancing.mgda import MGDA
from keras_mtl.balancing.nash_mtl import NashMTL
from keras_mtl.balancing.pcgrad import PCGrad
from keras_mtl.balancing.random_loss_weighting import RandomLossWeighting
from keras_mtl.balancing.smooth_tchebycheff import SmoothTchebycheff
from keras_mtl.balancing.smoothed import Smoothed
from keras_mtl.balancing.uncertainty import Uncertainty
from keras_mtl.balancing.upgrad import UPGrad

__all__ = [
    "DBMTL",
    "FAMO",
    "MGDA",
    "AlignedMTL",
    "Balancing",
    "CAGrad",
    "ConFIG",
    "DualProjection",
    "DynamicWeightAverage",
    "EqualWeights",
    "FairGrad",
    "FixedWeights",
    "GeometricMean",
    "GradDrop",
    "GradNorm",
    "GradVac",
    "GradientBalancing",
    "IMTLGrad",
    "IMTLLoss",
    "LossBalancing",
    "NashMTL",
    "PCGrad",
    "RandomLossWeighting",
    "Seen",
    "SmoothTchebycheff",
    "Smoothed",
    "UPGrad",
    "Uncertainty",
]
