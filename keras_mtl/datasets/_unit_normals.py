"""Surface normals from the colours that stand for them in files."""

import numpy as np


def unit_normals(pixels, known=True):
    """Float32 (h, w, 3) of unit length; zeros where there is none.

    Args:
        pixels: uint8 (h, w, 3): x, y, z from -1 (0) to 1 (255). Grey stands for none.
        known: Bool (h, w), where there is one.
    """
    normals = pixels.astype("float32")
    normals *= np.float32(1 / 127.5)
    normals -= 1
    # By channels: sums over an axis of three take twice as long.
    x, y, z = np.moveaxis(normals, -1, 0)
    squared = x * x + y * y + z * z
    known = known & (squared > 0.25)
    normals *= (known / np.sqrt(np.maximum(squared, 0.25)))[..., None].astype("float32")
    return normals
