"""The head of FCN-32s: a score for every cell, upsampled to the image."""

import math
from typing import Any

import keras

from keras_mtl._checks import check_integer
from keras_mtl._types import Config, Shape, Size, Tensor
from keras_mtl.heads._meanings import Scores
from keras_mtl.layers import BilinearDeconvolution


@keras.saving.register_keras_serializable("keras_mtl")
class FCNHead(Scores, keras.layers.Layer):
    """Dropout, a 1×1 score convolution, a frozen bilinear deconvolution and a crop.

    Source: Long et al., "Fully Convolutional Networks for Semantic Segmentation", CVPR 2015.

    Args:
        channels: number of output channels, such as classes.
        output_size: `(height, width)` of the output, in pixels.
        strides: pixels between neighbouring cells of the features.
        crop: pixels cut off at the top and left of the upsampled scores, or a pair of them.
        dropout: rate of the dropout before the score.
        seed: integer seed of the dropout and the weights, or `None`.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: features (batch, rows, columns, features).

    Returns:
        Logits (batch, height, width, channels), float32 also under mixed precision.

    Raises:
        ValueError: sizes that are no positive integers, or no pair of them.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.FCNHead(17, (96, 96), strides=16, crop=9)
    >>> tuple(head(np.ones((1, 6, 6, 1024))).shape)
    (1, 96, 96, 17)
    """

    def __init__(
        self,
        channels: int,
        output_size: Size,
        strides: int,
        crop: int | tuple[int, int] = 0,
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.channels = check_integer("channels", channels, 1)
        self.dropout = keras.layers.Dropout(
            dropout, seed=seed, name="dropout", dtype=self.dtype_policy
        )
        self.score = keras.layers.Conv2D(
            channels,
            1,
            kernel_initializer=keras.initializers.GlorotUniform(seed),
            name="score",
            dtype=self.dtype_policy,
        )
        # Losses and metrics of low-precision logits would lose what mixed precision saves.
        self.upsample = BilinearDeconvolution(
            output_size, strides, crop=crop, name="upsample", dtype="float32"
        )

    def build(self, input_shape: Shape) -> None:
        self.dropout.build(input_shape)
        self.score.build(input_shape)
        self.upsample.build(self.score.compute_output_shape(input_shape))

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return self.upsample(self.score(self.dropout(inputs, training=training)))

    def compute_output_spec(
        self, inputs: keras.KerasTensor, training: bool | None = None
    ) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype="float32")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.upsample.compute_output_shape(self.score.compute_output_shape(input_shape))

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates of one example, as `keras_mtl.search.cost` asks for them."""
        score = math.prod(input_shape[1:]) * self.channels
        return score + self.upsample.macs(self.score.compute_output_shape(input_shape))

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "channels": self.channels,
            "output_size": list(self.upsample.output_size),
            "strides": self.upsample.strides,
            "crop": list(self.upsample.crop),
            "dropout": self.dropout.rate,
            "seed": self.dropout.seed,
        }
