"""The assignment of some entries of a variable."""

import keras
from keras import ops

from keras_mtl._types import Tensor


def assign(variable: keras.Variable, which: Tensor, values: Tensor) -> None:
    """Assigns the values where the boolean tensor is true; the other entries stay as they are."""
    # JAX chooses between tensors alone.
    variable.assign(ops.where(which, values, ops.convert_to_tensor(variable)))
