"""A map of numbers, such as edges or vectors."""

from typing import Any

import keras

from keras_mtl._types import Size
from keras_mtl.heads._meanings import Numbers
from keras_mtl.heads.fcn_head import FCNHead


@keras.saving.register_keras_serializable("keras_mtl")
class MapHead(Numbers, FCNHead):
    """An `FCNHead` whose outputs are numbers: one for every pixel, or several.

    Its targets are numbers of any sign, (batch, height, width, channels), or (batch, height, width)
    of one channel; NaN where none is known. Train it with `MapL1()`.

    Args:
        output_size, strides, **kwargs: as in `FCNHead`.
        channels: number of numbers a pixel.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.MapHead((96, 96), strides=16, crop=9)
    >>> tuple(head(np.ones((1, 6, 6, 1024))).shape)
    (1, 96, 96, 1)
    """

    def __init__(self, output_size: Size, strides: int, channels: int = 1, **kwargs: Any) -> None:
        super().__init__(channels, output_size, strides, **kwargs)
