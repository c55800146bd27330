"""The modulation module in any model: putting gates in, and folding them away."""

from keras_mtl.modulation.fold import fold
from keras_mtl.modulation.modulate import modulate

__all__ = ["fold", "modulate"]
