"""Ways in which tasks share the stages of a tower."""

from keras_mtl.sharing.ada_shared import AdaShared
from keras_mtl.sharing.branched import Branched
from keras_mtl.sharing.cross_stitched import CrossStitched
from keras_mtl.sharing.latent_shared import LatentShared
from keras_mtl.sharing.modulated import Modulated
from keras_mtl.sharing.plan import Plan
from keras_mtl.sharing.sharing import Sharing

__all__ = ["AdaShared", "Branched", "CrossStitched", "LatentShared", "Modulated", "Plan", "Sharing"]
