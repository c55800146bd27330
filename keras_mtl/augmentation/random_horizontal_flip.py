"""Mirroring of pictures, their maps and their surface normals."""

from collections.abc import Iterable

import numpy as np

from keras_mtl._checks import names
from keras_mtl._types import Array
from keras_mtl.augmentation._checks import check_fraction, check_pixel_maps


class RandomHorizontalFlip:
    """Mirrors pictures from left to right, each with a probability of its own drawing.

    A mirrored surface faces the other side: the x of its normal changes its sign, in the
    camera's frame (x right, y down, z forward). Depth, along z, keeps its values. What lies to the
    right lies to the left then: so do the columns of `keras_mtl.datasets.center_offsets`.

    Args:
        probability: Chance of a picture to be mirrored. With 1.0 all are, and twice is as if never.
        normals: Names of the targets that are surface normals. Names that a batch lacks are
            passed over; unit vectors that are not named are refused, lest normals of another
            name be mirrored wrongly.
        offsets: Names of the targets that are vectors (rows, columns) to another pixel, passed over
            where a batch lacks them.

    Returns:
        When called with `(images, targets, rng)`, a new pair: images (N, H, W, 3) and a dict of
        maps (N, H, W) or (N, H, W, C), each of the type that it came with.

    Raises:
        ValueError: If `probability` is out of range; when called, if a target is no map of the
            images' pixels, one of `normals` not a float map (N, H, W, 3), one of `offsets` not a
            float map (N, H, W, 2), or another one holds unit vectors.

    Example:

    >>> from keras_mtl.augmentation import RandomHorizontalFlip
    >>> flip = RandomHorizontalFlip(probability=1.0)
    >>> normals = np.array([[[[0.6, 0.0, -0.8], [0.0, 0.0, -1.0]]]])
    >>> labels = np.array([[[1, 2]]])
    >>> images, targets = flip(
    ...     np.zeros((1, 1, 2, 3)), {"normals": normals, "labels": labels}, np.random.default_rng(0)
    ... )
    >>> print(targets["labels"][0], targets["normals"][0])
    [[2 1]] [[[ 0.   0.  -1. ]
      [-0.6  0.  -0.8]]]
    """

    def __init__(
        self,
        probability: float = 0.5,
        normals: str | Iterable[str] = ("normals",),
        offsets: str | Iterable[str] = (),
    ) -> None:
        self.probability = check_fraction("probability", probability)
        self.normals = tuple(names(normals, "normals"))
        self.offsets = tuple(names(offsets, "offsets"))

    def __call__(
        self, images: Array, targets: dict[str, Array], rng: np.random.Generator
    ) -> tuple[Array, dict[str, Array]]:
        check_pixel_maps(images, targets)
        _check_vectors(images, targets, self.normals, 3, "normals")
        _check_vectors(images, targets, self.offsets, 2, "offsets")
        for name in targets.keys() - set(self.normals):
            if _are_normals(targets[name]):
                raise ValueError(
                    f"`normals` must name all targets that are surface normals. Received: "
                    f"normals={self.normals}, and unit vectors in `targets[{name!r}]`"
                )
        flipped = rng.random(len(images)) < self.probability
        images = _flip(images, flipped)
        targets = {name: _flip(values, flipped) for name, values in targets.items()}
        for name in targets.keys() & set(self.normals):
            # A difference, since the negative of 0.0 is -0.0.
            targets[name][flipped, ..., 0] = 0 - targets[name][flipped, ..., 0]
        for name in targets.keys() & set(self.offsets):
            targets[name][flipped, ..., 1] = 0 - targets[name][flipped, ..., 1]
        return images, targets


def _check_vectors(images, targets, names, channels, what):
    for name in targets.keys() & set(names):
        values = targets[name]
        if values.shape != (*images.shape[:3], channels) or values.dtype.kind != "f":
            raise ValueError(
                f"`targets[{name!r}]` must be a float map (N, H, W, {channels}) of {what}. "
                f"Received: {values.dtype} {values.shape}"
            )


def _are_normals(values):
    if values.ndim != 4 or values.shape[-1] != 3 or values.dtype.kind != "f":
        return False
    squares = np.einsum("...i,...i->...", values, values)
    squares = squares[squares > 0]
    return squares.size > 0 and np.abs(squares - 1).max() < 0.02


def _flip(values, flipped):
    values = values.copy()
    values[flipped] = values[flipped, :, ::-1]
    return values
