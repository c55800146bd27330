"""Networks for one task, and cutting them into stages."""

from keras_mtl.towers.alexnet import AlexNet
from keras_mtl.towers.caffenet import CaffeNet
from keras_mtl.towers.fast_rcnn_caffenet import FastRCNNCaffeNet
from keras_mtl.towers.lenet import LeNet
from keras_mtl.towers.mobilenet_v2 import MobileNetV2
from keras_mtl.towers.residual_embedding import ResidualEmbedding
from keras_mtl.towers.resnet import ResNet
from keras_mtl.towers.thin_vgg16 import ThinVGG16
from keras_mtl.towers.tower import Tower, possible_cuts

__all__ = [
    "AlexNet",
    "CaffeNet",
    "FastRCNNCaffeNet",
    "LeNet",
    "MobileNetV2",
    "ResNet",
    "ResidualEmbedding",
    "ThinVGG16",
    "Tower",
    "possible_cuts",
]
