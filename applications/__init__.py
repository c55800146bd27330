"""The zoo: prebuilt models, each a tower, a sharing and heads."""

from keras_mtl.applications.ada_share_deeplab import AdaShareDeepLab
from keras_mtl.applications.attribute_vgg import AttributeVGG
from keras_mtl.applications.branched_resnet import BranchedResNet
from keras_mtl.applications.branched_vgg import BranchedVGG
from keras_mtl.applications.cross_stitch_fast_rcnn import CrossStitchFastRCNN
from keras_mtl.applications.cross_stitch_fcn import CrossStitchFCN
from keras_mtl.applications.deeplab import DeepLab
from keras_mtl.applications.fast_rcnn import FastRCNN
from keras_mtl.applications.fcn import FCN
from keras_mtl.applications.modulated_embedding import ModulatedEmbedding

__all__ = [
    "FCN",
    "AdaShareDeepLab",
    "AttributeVGG",
    "BranchedResNet",
    "BranchedVGG",
    "CrossStitchFCN",
    "CrossStitchFastRCNN",
    "DeepLab",
    "FastRCNN",
    "ModulatedEmbedding",
]
