"""Vectors brought to length one."""

import keras
from keras import ops

EPSILON = 1e-12


@keras.saving.register_keras_serializable("keras_mtl")
class L2Normalization(keras.layers.Layer):
    """Divides every vector by its Euclidean length; a vector of zeros stays zero.

    Unlike `keras.layers.UnitNormalization` it has a finite gradient at zero on every backend.

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

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True

    def call(self, inputs):
        # Squares leave the range of float16.
        x = ops.cast(inputs, "float32")
        length = ops.sum(ops.square(x), axis=self.axis, keepdims=True)
        return ops.cast(x * ops.rsqrt(ops.maximum(length, EPSILON)), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
