"""The one check that normals are no picture."""

import keras


def check_normals_dtype(normals, name="y_true"):
    """Raises a `ValueError`, naming the array or tensor, unless normals are floats."""
    dtype = keras.backend.standardize_dtype(normals.dtype)
    # int8 has room for -1, 0 and 1, but not for a picture.
    if not keras.backend.is_float_dtype(dtype) and dtype != "int8":
        raise ValueError(
            f"`{name}` must be unit vectors of floats; scale a picture of normals back to "
            f"[-1, 1]. Received: dtype={dtype}."
        )
