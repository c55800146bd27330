"""The one check of surface normals."""

import numpy as np

from keras_mtl._checks import check_normals_dtype


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
