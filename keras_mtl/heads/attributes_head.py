"""A head for several yes-or-no questions about each region."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_integer
from keras_mtl._types import Array, Config, Shape, Tensor
from keras_mtl.heads._log_of_share import log_of_share


@keras.saving.register_keras_serializable("keras_mtl")
class AttributesHead(keras.layers.Layer):
    """Dropout, then a logit for each attribute.

    Source: Misra et al., "Cross-stitch Networks for Multi-task Learning", CVPR 2016, section 6.

    Args:
        num_attributes: number of attributes.
        dropout: rate of the dropout before them.
        seed: integer seed of the dropout and the weights, or `None`.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: features (…, features).

    Returns:
        Logits (…, `num_attributes`), float32 also under mixed precision.

    Raises:
        ValueError: `num_attributes` is no positive integer.

    Example:

    >>> import numpy as np, keras_mtl
    >>> tuple(keras_mtl.heads.AttributesHead(64)(np.ones((1, 7, 32))).shape)
    (1, 7, 64)
    """

    kind = "attributes"
    """What the outputs are, as of `keras_mtl.Task`."""

    def __init__(
        self, num_attributes: int, dropout: float = 0.0, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.num_attributes = check_integer("num_attributes", num_attributes, 1)
        self.dropout = keras.layers.Dropout(
            dropout, seed=seed, name="dropout", dtype=self.dtype_policy
        )
        self.score = keras.layers.Dense(
            num_attributes,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01, seed=seed),
            name="score",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: Shape) -> None:
        self.dropout.build(input_shape)
        self.score.build(input_shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        return ops.cast(self.score(self.dropout(inputs, training=training)), "float32")

    def prediction(self, outputs: Tensor) -> Tensor:
        """What the outputs say, in a form whose mean over several networks makes sense."""
        return ops.sigmoid(outputs)

    def outputs_for(self, prediction: Tensor) -> Tensor:
        """Outputs of which that is the `prediction`."""
        return log_of_share(prediction) - log_of_share(1 - prediction)

    def check_targets(self, attributes: Array, name: str = "attributes") -> None:
        """Raises a `ValueError` unless they are so many of 0, 1, -1 or NaN."""
        if attributes.shape[-1] != self.num_attributes:
            raise ValueError(
                f"`{name}` must have {self.num_attributes} attributes on the last axis. "
                f"Received: shape {attributes.shape}."
            )
        bad = ~(np.isin(attributes, (-1, 0, 1)) | np.isnan(attributes))
        if bad.any():
            raise ValueError(
                f"`{name}` must hold 0 and 1, or -1 or NaN where an attribute is not known. "
                f"Received: {np.unique(attributes[bad])[:10].tolist()}."
            )

    def compute_output_spec(
        self, inputs: keras.KerasTensor, training: bool | None = None
    ) -> keras.KerasTensor:
        return keras.KerasTensor(self.compute_output_shape(inputs.shape), dtype="float32")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return self.score.compute_output_shape(input_shape)

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """Multiply-accumulates of one example, as `keras_mtl.search.cost` asks for them."""
        return math.prod(input_shape[1:]) * self.num_attributes

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_attributes": self.num_attributes,
            "dropout": self.dropout.rate,
            "seed": self.dropout.seed,
        }
