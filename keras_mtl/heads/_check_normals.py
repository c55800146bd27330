"""The one check of surface normals."""

import keras
import numpy as np


def check_normals_dtype(normals, name="y_true"):
    """Raises a `ValueError`, naming the array or tensor, unless normals are floats."""
    dtype = keras.backend.standardize_dtype(normals.dtype)
    if not keras.backend.is_float_dtype(dtype):
        raise ValueError(
            f"`{name}` must hold unit vectors as floats; scale a picture of normals back to "
            f"[-1, 1]. Received: dtype={dtype}."
        )


def check_normals(normals, name="normals"):
    """Raises a `ValueError`, naming the array, unless normals are (…, 3) unit vectors, or zero."""
    if normals.shape[-1] != 3:
        raise ValueError(f"`{name}` must have shape (…, 3). Received: shape={normals.shape}.")
    check_normals_dtype(normals, name)
    lengths = np.sqrt(np.square(normals, dtype="float32").sum(-1))
    if not np.isfinite(lengths).all():
        raise ValueError(
            f"`{name}` must be finite; set unknown normals to zero. Received: "
            f"{int((~np.isfinite(lengths)).sum())} pixels with NaN or infinity."
        )
    bad = (lengths > 1e-6) & (np.abs(lengths - 1) > 1e-2)
    if bad.any():
        raise ValueError(
            f"`{name}` must be unit vectors, or zero where unknown. Received: "
            f"{int(bad.sum())} pixels of other length, such as {lengths[bad][0]:.3f}."
        )
