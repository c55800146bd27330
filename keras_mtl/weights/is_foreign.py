"""Which files of weights are not Keras' own."""

from keras_mtl._types import PathLike
from keras_mtl.weights._urls import suffix

SUFFIXES = (".caffemodel", ".pth", ".pt", ".safetensors")


def is_foreign(weights: PathLike | None) -> bool:
    """Whether weights are, by the suffix of their file, another framework's checkpoint.

    Args:
        weights: `None`, or a path or URL.

    Returns:
        `True` for `.caffemodel`, `.pth`, `.pt` and `.safetensors`.

    Example:

    >>> from keras_mtl.weights import is_foreign
    >>> is_foreign("alexnet.pth"), is_foreign("alexnet.weights.h5"), is_foreign(None)
    (True, False, False)
    """
    return weights is not None and suffix(weights) in SUFFIXES
