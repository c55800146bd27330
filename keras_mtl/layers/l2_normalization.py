"""Vectors brought to length one."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Config, Shape, Tensor

SHORTEST = 1e-3


@keras.saving.register_keras_serializable("keras_mtl")
class L2Normalization(keras.layers.Layer):
    """Divides every vector by its Euclidean length; a vector of zeros stays zero.

    Vectors that are shorter than 1e-3 are divided by that, and do not reach the length one. So the
    gradient is at most 1,000 times that of the output, also at zero, where that of
    `keras.layers.UnitNormalization` is not finite on every backend.

    Args:
        axis: the axis along which the vectors lie.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: tensor of any shape.

    Returns:
        A tensor of that shape.

    Example:

    >>> import numpy as np, keras_mtl
    >>> layer = keras_mtl.layers.L2Normalization()
    >>> np.round(keras.ops.convert_to_numpy(layer(np.array([[3.0, 4.0], [0.0, 0.0]]))), 3).tolist()
    [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs: Tensor) -> Tensor:
        # Squares leave the range of float16.
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        squared = ops.sum(ops.square(x), axis=self.axis, keepdims=True)
        return ops.cast(x * ops.rsqrt(ops.maximum(squared, SHORTEST**2)), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        return {**super().get_config(), "axis": self.axis}
