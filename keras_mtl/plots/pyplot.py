"""matplotlib is an extra: imported where a figure is drawn, with an error that names the extra."""

from types import ModuleType

from keras_mtl._extra import extra


def pyplot() -> ModuleType:
    """`matplotlib.pyplot`, drawing into files on machines without a screen."""
    return extra("Figures need matplotlib", "plots", "matplotlib.pyplot")
