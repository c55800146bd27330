"""Depth by atrous spatial pyramid pooling: a distance for every pixel."""

from typing import Any

import keras

from keras_mtl._types import Size
from keras_mtl.heads._meanings import Metres
from keras_mtl.heads.aspp_head import ASPPHead


@keras.saving.register_keras_serializable("keras_mtl")
class ASPPDepthHead(Metres, ASPPHead):
    """An `ASPPHead` with one channel: depth in metres, (batch, height, width, 1).

    Nothing keeps the output positive but training, or an `activation` such as `"softplus"`. Its
    targets are metres, (batch, height, width) or (batch, height, width, 1), zero where none is
    known. Train it with `DepthL1()`.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020; see `ASPPHead`.

    Args:
        output_size, **kwargs: as in `ASPPHead`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.ASPPDepthHead((96, 96), features=32)
    >>> tuple(head(np.ones((1, 13, 13, 64))).shape)
    (1, 96, 96, 1)
    """

    def __init__(self, output_size: Size | None = None, **kwargs: Any) -> None:
        super().__init__(1, output_size, **kwargs)
