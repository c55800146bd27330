"""What kind of file weights are in: the end of its name tells it."""

from keras_mtl.weights._urls import file_name

ENDS = {
    "keras": (".weights.h5", ".keras", ".h5", ".hdf5"),
    "caffe": (".caffemodel",),
    "torch": (".pth", ".pt", ".pth.tar", ".ckpt", ".bin"),
    "safetensors": (".safetensors",),
}
"""By kind the ends of names, in small letters."""


def kind(weights):
    """The kind of the file at a path or URL, or `None` if it is no known one."""
    name = file_name(weights).lower()
    return next((kind for kind, ends in ENDS.items() if name.endswith(ends)), None)
