"""The one check of the form of maps with numbers for every pixel."""

import numpy as np


def check_map(values, name="map", unit="numbers", channels=1):
    """Raises a `ValueError`, naming the array, unless it is (B, H, W, channels) numbers.

    A single channel may go without its axis.
    """
    if values.shape[3:] != (channels,) and (channels > 1 or values.ndim != 3):
        shapes = "(batch, height, width) or " * (channels == 1)
        raise ValueError(
            f"`{name}` must have shape {shapes}(batch, height, width, {channels}). "
            f"Received: shape={values.shape}."
        )
    if not (np.issubdtype(values.dtype, np.floating) or np.issubdtype(values.dtype, np.integer)):
        raise ValueError(f"`{name}` must hold {unit}. Received: dtype={values.dtype}.")
