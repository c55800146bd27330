"""A map of numbers, such as edges or vectors, by atrous spatial pyramid pooling."""

from typing import Any

import keras

from keras_mtl._types import Size
from keras_mtl.heads._meanings import Numbers
from keras_mtl.heads.aspp_head import ASPPHead


@keras.saving.register_keras_serializable("keras_mtl")
class ASPPMapHead(Numbers, ASPPHead):
    """An `ASPPHead` whose outputs are numbers: one for every pixel, or several.

    Its targets are numbers of any sign, (batch, height, width, channels), or (batch, height, width)
    of one channel; NaN where none is known. Train it with `MapL1()`.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020, for Taskonomy's edges and keypoints; see `ASPPHead`. Kendall et al., "Multi-Task
    Learning Using Uncertainty to Weigh Losses", CVPR 2018, for two channels, the vector to the
    centre of an instance.

    Args:
        output_size, **kwargs: as in `ASPPHead`.
        channels: number of numbers a pixel.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.ASPPMapHead((96, 96), features=32)
    >>> tuple(head(np.ones((1, 13, 13, 64))).shape)
    (1, 96, 96, 1)
    """

    def __init__(self, output_size: Size | None = None, channels: int = 1, **kwargs: Any) -> None:
        super().__init__(channels, output_size, **kwargs)
