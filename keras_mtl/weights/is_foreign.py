"""Which files of weights are not Keras' own."""

import pathlib

SUFFIXES = (".caffemodel", ".pth", ".pt", ".safetensors")


def is_foreign(path):
    """Whether a path is, by its suffix, that of another framework's checkpoint.

    Args:
        path: a path, or `None`.

    Returns:
        `True` for `.caffemodel`, `.pth`, `.pt` and `.safetensors`.

    Example:

    >>> from keras_mtl.weights import is_foreign
    >>> is_foreign("alexnet.pth"), is_foreign("alexnet.weights.h5"), is_foreign(None)
    (True, False, False)
    """
    return path is not None and pathlib.Path(path).suffix.lower() in SUFFIXES
