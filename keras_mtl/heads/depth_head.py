"""Depth: a distance for every pixel."""

from typing import Any

import keras

from keras_mtl._types import Size
from keras_mtl.heads._meanings import Metres
from keras_mtl.heads.fcn_head import FCNHead


@keras.saving.register_keras_serializable("keras_mtl")
class DepthHead(Metres, FCNHead):
    """An `FCNHead` with one channel: depth in metres, (batch, height, width, 1).

    The output is the score itself, without an activation: nothing keeps it positive but training.
    Its targets are metres, (batch, height, width) or (batch, height, width, 1), zero where none is
    known. Train it with `DepthL1()`.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020, which learns depth by its absolute error; the head is that of `FCNHead`.

    Args:
        output_size, strides, **kwargs: as in `FCNHead`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.DepthHead((96, 96), strides=16, crop=9)
    >>> tuple(head(np.ones((1, 6, 6, 1024))).shape)
    (1, 96, 96, 1)
    """

    def __init__(self, output_size: Size, strides: int, **kwargs: Any) -> None:
        super().__init__(1, output_size, strides, **kwargs)
