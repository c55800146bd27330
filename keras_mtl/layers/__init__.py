"""Keras layers of the four papers and of their networks."""

from keras_mtl.layers.bilinear_deconvolution import BilinearDeconvolution
from keras_mtl.layers.ceil_max_pooling2d import CeilMaxPooling2D
from keras_mtl.layers.cross_stitch import CrossStitch
from keras_mtl.layers.l2_normalization import L2Normalization
from keras_mtl.layers.local_response_normalization import LocalResponseNormalization
from keras_mtl.layers.modulation_gate import ModulationGate
from keras_mtl.layers.roi_align import RoIAlign
from keras_mtl.layers.roi_pooling import RoIPooling
from keras_mtl.layers.skip_block import SkipBlock
from keras_mtl.layers.skip_policy import SkipPolicy

__all__ = [
    "BilinearDeconvolution",
    "CeilMaxPooling2D",
    "CrossStitch",
    "L2Normalization",
    "LocalResponseNormalization",
    "ModulationGate",
    "RoIAlign",
    "RoIPooling",
    "SkipBlock",
    "SkipPolicy",
]
