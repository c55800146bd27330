"""Surface normals by atrous spatial pyramid pooling: a vector for every pixel."""

from typing import Any

import keras

from keras_mtl._types import Size
from keras_mtl.heads._meanings import Normals
from keras_mtl.heads.aspp_head import ASPPHead


@keras.saving.register_keras_serializable("keras_mtl")
class ASPPNormalsHead(Normals, ASPPHead):
    """An `ASPPHead` with three channels: a vector, whose direction is the surface's normal.

    The output has any length; `prediction` makes it one. Its targets are unit normals (batch,
    height, width, 3), zero where none is known. Train it with `NormalsCosine()`.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020; see `ASPPHead`.

    Args:
        output_size, **kwargs: as in `ASPPHead`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.ASPPNormalsHead((96, 96), features=32)
    >>> tuple(head(np.ones((1, 13, 13, 64))).shape)
    (1, 96, 96, 3)
    """

    def __init__(self, output_size: Size | None = None, **kwargs: Any) -> None:
        super().__init__(3, output_size, **kwargs)
