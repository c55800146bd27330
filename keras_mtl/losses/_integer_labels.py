"""Labels as integers, on every backend the same."""

import keras
from keras import ops

# Not known, whatever else marks that.
UNKNOWN = -1
# Neither a class nor a mark of the unknown.
NO_CLASS = -(2**31)


def integer_labels(labels):
    """Int32 labels; `UNKNOWN` for NaN, `NO_CLASS` for other floats that are no whole number.

    A plain cast makes class 2 of 2.7 everywhere, and class 0 of NaN on JAX.
    """
    labels = ops.convert_to_tensor(labels)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(labels.dtype)):
        return ops.cast(labels, "int32")
    labels = ops.cast(labels, "float32")
    # A comparison with NaN is false. Beyond 2^31 the backends cast each in its own way.
    whole = ops.logical_and(ops.floor(labels) == labels, ops.abs(labels) < 2.0**31)
    integers = ops.cast(ops.where(whole, labels, float(NO_CLASS)), "int32")
    return ops.where(ops.isnan(labels), UNKNOWN, integers)
