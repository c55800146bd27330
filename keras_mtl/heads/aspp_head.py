"""The head of AdaShare: atrous spatial pyramid pooling, as in DeepLab."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_integer, check_pair
from keras_mtl._types import Config, Shape, Size, Tensor
from keras_mtl.heads._meanings import Scores

WINDOW = 3


@keras.saving.register_keras_serializable("keras_mtl")
class ASPPHead(Scores, keras.layers.Layer):
    """The sum of branches that look around each cell at several distances.

    A branch is a dilated 3×3 convolution, ReLU, dropout, a 1×1 convolution, ReLU, dropout and a 1×1
    convolution to the scores.

    Source: Chen et al., "DeepLab", TPAMI 2018, section 3.2 (ASPP-L), as the head of each task in
    Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning", NeurIPS
    2020. The initial weights are ours: He-normal, and Glorot-uniform for the scores.

    Args:
        channels: number of output channels, such as classes.
        output_size: `(height, width)` of the output in pixels, to which the scores are resized
            bilinearly; `None` leaves them at the features' resolution.
        features: number of channels within a branch.
        rates: dilation of each branch, in cells.
        dropout: rate of the dropouts.
        seed: integer seed of the dropouts and the weights, or `None`.
        activation: activation of the output, as Keras takes it; `None` for logits.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: features (batch, rows, columns, features).

    Returns:
        Scores (batch, height, width, channels), float32 also under mixed precision.

    Raises:
        ValueError: `channels`, `features` or a rate is no positive integer, or there is no rate.

    Example:

    >>> import numpy as np, keras_mtl
    >>> head = keras_mtl.heads.ASPPHead(17, (96, 96), features=32)
    >>> tuple(head(np.ones((1, 13, 13, 64))).shape)
    (1, 96, 96, 17)
    """

    def __init__(
        self,
        channels: int,
        output_size: Size | None = None,
        features: int = 1024,
        rates: Sequence[int] = (6, 12, 18, 24),
        dropout: float = 0.5,
        seed: int | None = None,
        activation: str | Callable[[Tensor], Tensor] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.channels = check_integer("channels", channels, 1)
        self.features = check_integer("features", features, 1)
        if not np.ndim(rates) or not len(rates):
            raise ValueError(f"`rates` must be one or more integers. Received: rates={rates!r}.")
        self.rates = tuple(check_integer("rates", rate, 1) for rate in rates)
        self.output_size = None if output_size is None else check_pair("output_size", output_size)
        self.dropout, self.seed = dropout, seed
        self.activation = keras.activations.get(activation)
        self.branches = [self._branch(number, rate) for number, rate in enumerate(self.rates)]

    def build(self, input_shape: Shape) -> None:
        for branch in self.branches:
            branch.build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        # Losses and metrics of low-precision scores would lose what mixed precision saves.
        first, *others = (
            ops.cast(branch(inputs, training=training), "float32") for branch in self.branches
        )
        scores = sum(others, start=first)
        if self.output_size is not None:
            scores = ops.image.resize(
                scores, self.output_size, interpolation="bilinear", data_format="channels_last"
            )
        return self.activation(scores)

    def compute_output_spec(
        self, inputs: keras.KerasTensor, training: bool | None = None
    ) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype="float32")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], *(self.output_size or input_shape[1:3]), self.channels

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates of one example, as `keras_mtl.search.cost` asks for them."""
        *cells, inputs = input_shape[1:]
        of_branch = WINDOW**2 * inputs * self.features + self.features**2
        of_branch += self.features * self.channels
        return len(self.rates) * math.prod(cells) * of_branch

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "channels": self.channels,
            "output_size": self.output_size and list(self.output_size),
            "features": self.features,
            "rates": list(self.rates),
            "dropout": self.dropout,
            "seed": self.seed,
            "activation": keras.activations.serialize(self.activation),
        }

    @property
    def _are_logits(self):
        return self.activation is keras.activations.linear

    def _branch(self, number, rate):
        def convolution(place, filters, window, name, initializer, **options):
            return keras.layers.Conv2D(
                filters,
                window,
                kernel_initializer=initializer(seed(place)),
                name=name,
                dtype=self.dtype_policy,
                **options,
            )

        def dropout(place, name):
            return keras.layers.Dropout(
                self.dropout, seed=seed(place), name=name, dtype=self.dtype_policy
            )

        def seed(place):
            # Another one for every layer: with one for all, branches would drop the same units.
            return None if self.seed is None else 100 * self.seed + 5 * number + place

        he, glorot = keras.initializers.HeNormal, keras.initializers.GlorotUniform
        hidden = {"initializer": he, "activation": "relu"}
        dilated = {"padding": "same", "dilation_rate": rate}
        return keras.Sequential(
            [
                convolution(0, self.features, WINDOW, "dilated", **hidden, **dilated),
                dropout(1, "drop1"),
                convolution(2, self.features, 1, "mixed", **hidden),
                dropout(3, "drop2"),
                convolution(4, self.channels, 1, "score", glorot),
            ],
            name=f"branch{number}",
        )
