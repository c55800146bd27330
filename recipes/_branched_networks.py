"""The branched networks for dense tasks."""

import numpy as np

from keras_mtl.recipes._deeplab_networks import DeepLabNetworks
from keras_mtl.recipes._tree_rows import TreeRows
from keras_mtl.towers.resnet import locations


class BranchedNetworks(TreeRows, DeepLabNetworks):
    """As `DeepLabNetworks`; tasks may part behind each of the ResNet's four stages."""

    @property
    def locations(self):
        return locations(self.settings.network["depth"])

    def _compared_images(self):
        return np.asarray(self.data.validation["image"], "float32")
