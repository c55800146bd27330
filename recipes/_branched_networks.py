"""The branched networks for dense tasks."""

from keras_mtl.towers.resnet import locations
from recipes._branching import Branching
from recipes._deeplab_networks import DeepLabNetworks


class BranchedNetworks(Branching, DeepLabNetworks):
    """As `DeepLabNetworks`; tasks may part behind each of the ResNet's four stages."""

    @property
    def locations(self):
        return locations(self.settings.network["depth"])

    def _compared_images(self):
        return self.data.validation["image"].astype("float32")
