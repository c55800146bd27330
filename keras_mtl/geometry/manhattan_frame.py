"""The three orthogonal directions that most surfaces of a room face."""

import functools

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array

# Rotations a side of the cube of candidates: neighbours are 8 degrees apart, so that one of them
# lies within 7 degrees of the best frame, where it can be seen with the least `within`.
GRID = 13
# Normals for the search among the candidates, and for the refinement.
COARSE_SAMPLES = 500
FINE_SAMPLES = 5000
STEPS = 20


def manhattan_frame(
    normals: ArrayLike, mask: ArrayLike | None = None, within: float = 25.0
) -> Array:
    """Finds the three orthogonal axes that the normals of one picture lie nearest to.

    The frame maximises a robust score: a normal counts fully on an axis (of either sign), less
    with its angle from it, and not at all beyond `within`, so that clutter has little say. The
    best of a grid of rotations is refined by Procrustes alignment of the normals to their axes.

    A Manhattan frame is known up to the 24 rotations of a cube; of these the one nearest the
    identity is returned. Axes that no normal determines (a picture of a floor only) are
    arbitrary, but always the same.

    Args:
        normals: Array (..., 3), such as (H, W, 3), of normals in any one coordinate system;
            zeros or NaNs where there is none. Their length does not matter.
        mask: Bool array (...): which normals count; by default all.
        within: Angle from an axis, in degrees, at which a normal's say ends, from 10 to 45. The
            less noisy the normals, the less it may be: furniture askew then has no say. With 25
            the axes are within 1.5 degrees of the walls on clean normals of `rooms` (24 test
            pictures at 64 pixels), and 2.4 off on average where each pixel is off by 23.

    Returns:
        float64 rotation (3, 3) whose rows are the axes: `frame @ normal` is the normal in the
        coordinates of the frame.

    Raises:
        ValueError: If a shape does not fit, `within` is not from 10 to 45 degrees, or there is no
            normal.

    Source: the post-processing in Misra et al., Cross-stitch Networks for Multi-task Learning,
    CVPR 2016, section 6.2, after Wang, Fouhey, Gupta, Designing Deep Networks for Surface Normal
    Estimation, CVPR 2015. How the frame is found is this library's own: from the normals alone.

    Example:

    >>> from keras_mtl.geometry import manhattan_frame
    >>> floor, left, back = [0.0, -0.8, -0.6], [1.0, 0.0, 0.0], [0.0, 0.6, -0.8]
    >>> print(np.abs(manhattan_frame([floor, left, back, back])).round(3))
    [[1.  0.  0. ]
     [0.  0.8 0.6]
     [0.  0.6 0.8]]
    """
    # Imported here, since `import keras_mtl` costs no more than `import keras`.
    from scipy.spatial.transform import Rotation

    if not 10 <= within <= 45:
        raise ValueError(f"`within` must be from 10 to 45 degrees. Received: {within}")
    normals = _valid_normals(normals, mask)
    reach = np.sin(np.deg2rad(within)) ** 2
    candidates = _candidates()
    coarse, fine = _sample(normals, COARSE_SAMPLES), _sample(normals, FINE_SAMPLES)
    best = _closeness(candidates @ coarse.T, reach).mean(axis=-1).argmax()
    frame = _refine(candidates[best].astype("float64"), fine, reach)
    return Rotation.from_matrix(frame).reduce(left=Rotation.create_group("O")).as_matrix()


def _valid_normals(normals, mask):
    normals = np.asarray(normals)
    if normals.ndim < 1 or normals.shape[-1] != 3:
        raise ValueError(f"`normals` must be of shape (..., 3). Received: shape {normals.shape}")
    length = np.linalg.norm(normals, axis=-1)
    valid = length > 1e-3  # NaN is not; below, a vector has length by rounding only
    if mask is not None:
        if np.shape(mask) != valid.shape:
            raise ValueError(
                f"`mask` must be of shape {valid.shape}. Received: shape {np.shape(mask)}"
            )
        valid &= np.asarray(mask, bool)
    if not valid.any():
        raise ValueError(
            "`normals` must hold a vector that is not zero or NaN, within the mask. "
            f"Received: none of {valid.size}"
        )
    return normals[valid] / length[valid][:, None]


def _sample(normals, most):
    # At random, since a fixed stride through an image can fall in step with its columns.
    if len(normals) <= most:
        return normals
    return normals[np.random.default_rng(0).choice(len(normals), most, replace=False)]


@functools.cache
def _candidates():
    """float32 (M, 3, 3): rotations, evenly spread, up to those of the cube.

    As Rodrigues vectors (axis times the tangent of half the angle) the rotations that are nearer
    the identity than their 23 symmetric versions fill a cube with its corners cut off.
    """
    from scipy.spatial.transform import Rotation

    side = np.linspace(-1, 1, GRID) * np.tan(np.pi / 8)
    vectors = np.stack(np.meshgrid(side, side, side), axis=-1).reshape(-1, 3)
    vectors = vectors[np.abs(vectors).sum(axis=1) <= 1]
    quaternions = np.insert(vectors, 3, 1.0, axis=1)
    return Rotation.from_quat(quaternions).as_matrix().astype("float32")


def _closeness(coordinates, reach):
    """Of normals (..., 3, S) in a frame: 1 on an axis, 0 at sin² = `reach` and beyond."""
    square_of_sine = 1 - np.square(coordinates).max(axis=-2)
    return np.square(np.maximum(1 - square_of_sine / reach, 0))


def _refine(frame, normals, reach):
    """Aligns the frame to the normals near its axes, by reweighted Procrustes."""
    from scipy.linalg import polar

    for _ in range(STEPS):
        coordinates = frame @ normals.T
        # One axis a normal, with its sign; the weights make each step raise the score.
        nearest = np.abs(coordinates).argmax(axis=0) == np.arange(3)[:, None]
        weights = np.sqrt(_closeness(coordinates, reach)) * coordinates * nearest
        # A trace of the present frame holds the axes that no normal is near to.
        frame, _ = polar(weights @ normals + 1e-6 * frame)
    return frame
