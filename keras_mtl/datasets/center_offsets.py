"""Instances of objects, as vectors for every pixel."""

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array


def center_offsets(instances: ArrayLike) -> Array:
    """Computes the vector from every pixel to the centre of the instance that it belongs to.

    Pixels whose vectors point to one place are one object: that makes a regression of instance
    segmentation. The centre is the mean position of the instance's visible pixels, which need not
    be one of them.

    The unit is the longer side of the picture: coordinates then stay between -1 and 1 whatever the
    resolution, about as large as the values of maps such as `edge_map`. Times max(H, W) they are
    pixels.

    Args:
        instances: Integers (N, H, W): 1..K for the objects of a picture, in any order and with
            gaps, and 0 where there is none.

    Returns:
        Float32 (N, H, W, 2): along the rows, positive downwards, and along the columns, positive
        to the right, in longer sides of the picture; NaN where there is no instance.

    Raises:
        ValueError: If `instances` are not integers of three axes, or some are negative.

    Source: Kendall, Gal and Cipolla, Multi-Task Learning Using Uncertainty to Weigh Losses for
    Scene Geometry and Semantics, CVPR 2018, section 4.

    Example:

    >>> from keras_mtl.datasets import center_offsets
    >>> offsets = center_offsets(np.array([[[0, 1, 1, 1], [0, 0, 2, 2]]]))
    >>> print(offsets[0, ..., 1])  # along the columns; the picture is 4 wide
    [[   nan  0.25   0.    -0.25 ]
     [   nan    nan  0.125 -0.125]]
    """
    instances = np.asarray(instances)
    if instances.ndim != 3 or not np.issubdtype(instances.dtype, np.integer):
        raise ValueError(
            "`instances` must be integers of shape (N, H, W). "
            f"Received: {instances.dtype} of shape {instances.shape}."
        )
    if instances.size and instances.min() < 0:
        raise ValueError(
            f"`instances` must be 0 (none) or above. Received: {int(instances.min())}."
        )
    offsets = np.empty((*instances.shape, 2), "float32")
    positions = np.indices(instances.shape[1:])
    longer = max(instances.shape[1:])
    for picture, offset in zip(instances, offsets, strict=True):
        flat = picture.ravel().astype(np.intp)
        pixels = np.maximum(np.bincount(flat, minlength=1), 1)
        for axis, position in enumerate(positions):
            center = np.bincount(flat, position.ravel(), minlength=1) / pixels
            center[0] = np.nan
            offset[..., axis] = (center[picture] - position) / longer
    return offsets
