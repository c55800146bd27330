"""Which files of weights are not Keras' own."""

from keras_mtl._types import PathLike
from keras_mtl.weights._kinds import kind


def is_foreign(weights: PathLike | None) -> bool:
    """Whether weights are, by the end of their file's name, another framework's checkpoint.

    Args:
        weights: `None`, or a path or URL.

    Returns:
        `True` for `.caffemodel` of Caffe, `.pth`, `.pt`, `.pth.tar`, `.ckpt` and `.bin` of PyTorch,
        and `.safetensors`.

    Example:

    >>> from keras_mtl.weights import is_foreign
    >>> is_foreign("alexnet.pth"), is_foreign("alexnet.weights.h5"), is_foreign(None)
    (True, False, False)
    """
    return weights is not None and kind(weights) not in ("keras", None)
