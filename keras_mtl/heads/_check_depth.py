"""The one check of depth."""

import numpy as np

from keras_mtl.heads._check_map import check_map


def check_depth(depth, name="depth"):
    """Raises a `ValueError`, naming the array, unless depths are maps of finite numbers ≥ 0."""
    check_map(depth, name, unit="metres")
    unknown = ~np.isfinite(depth)
    if unknown.any():
        raise ValueError(
            f"`{name}` must be finite; set unknown depths to zero. Received: "
            f"{int(unknown.sum())} pixels with NaN or infinity."
        )
    bad = depth < 0
    if bad.any():
        raise ValueError(
            f"`{name}` must hold metres of at least 0, or 0 where unknown. Received: "
            f"{int(bad.sum())} pixels below, such as {depth[bad][0]:.3f}."
        )
