"""Depth by atrous spatial pyramid pooling: a distance for every pixel."""

from typing import Any

import keras

from keras_mtl._types import Array, Config, Size, Tensor
from keras_mtl.heads._check_depth import check_depth
from keras_mtl.heads.aspp_head import ASPPHead


@keras.saving.register_keras_serializable("keras_mtl")
class ASPPDepthHead(ASPPHead):
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

    kind = "metres"

    def __init__(self, output_size: Size | None = None, **kwargs: Any) -> None:
        super().__init__(1, output_size, **kwargs)

    def prediction(self, outputs: Tensor) -> Tensor:
        return outputs  # metres

    def outputs_for(self, prediction: Tensor) -> Tensor:
        return prediction

    def decode(self, predictions: Tensor) -> Tensor:
        return predictions

    def check_targets(self, depth: Array, name: str = "depth") -> None:
        """Raises a `ValueError` unless depths are (…, height, width) numbers, finite, ≥ 0."""
        check_depth(depth, name)

    def get_config(self) -> Config:
        config = super().get_config()
        del config["channels"]
        return config
