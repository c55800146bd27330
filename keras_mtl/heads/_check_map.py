"""The one check of the form of maps with a number for every pixel."""

import numpy as np


def check_map(values, name="map", unit="numbers"):
    """Raises a `ValueError`, naming the array, unless it is (B, H, W) or (B, H, W, 1) numbers."""
    if values.ndim != 3 and (values.ndim != 4 or values.shape[-1] != 1):
        raise ValueError(
            f"`{name}` must have shape (batch, height, width) or (batch, height, width, 1). "
            f"Received: shape={values.shape}."
        )
    if not (np.issubdtype(values.dtype, np.floating) or np.issubdtype(values.dtype, np.integer)):
        raise ValueError(f"`{name}` must hold {unit}. Received: dtype={values.dtype}.")
