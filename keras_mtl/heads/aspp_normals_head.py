"""Surface normals by atrous spatial pyramid pooling: a vector for every pixel."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Array, Config, Size, Tensor
from keras_mtl.heads._check_normals import check_normals
from keras_mtl.heads.aspp_head import ASPPHead


@keras.saving.register_keras_serializable("keras_mtl")
class ASPPNormalsHead(ASPPHead):
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

    kind = "normals"

    def __init__(self, output_size: Size | None = None, **kwargs: Any) -> None:
        super().__init__(3, output_size, **kwargs)

    def prediction(self, outputs: Tensor) -> Tensor:
        """The unit vectors (…, 3) of the outputs' directions; zero where an output is zero."""
        length = ops.sum(ops.square(outputs), axis=-1, keepdims=True)
        return ops.multiply(outputs, ops.rsqrt(ops.maximum(length, 1e-20)))

    def outputs_for(self, prediction: Tensor) -> Tensor:
        return prediction

    def decode(self, predictions: Tensor) -> Tensor:
        """The unit vectors of a mean of unit vectors."""
        return self.prediction(predictions)

    def check_targets(self, normals: Array, name: str = "normals") -> None:
        """Raises a `ValueError` unless normals are (…, 3) unit vectors, or zero."""
        check_normals(normals, name)

    def get_config(self) -> Config:
        config = super().get_config()
        del config["channels"]
        return config
