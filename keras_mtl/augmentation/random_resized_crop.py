"""Crops of pictures and their maps, enlarged to the size of the whole."""

import numpy as np

from keras_mtl._types import Array
from keras_mtl.augmentation._checks import check_fraction, check_pixel_maps


class RandomResizedCrop:
    """Cuts a random part out of each picture and enlarges it to the picture's size.

    The part has the proportions of the picture, so that nothing is stretched; its side and then
    its place are uniform. Colours are interpolated bilinearly. Targets take the nearest pixel's
    value: labels stay labels, and unit normals unit normals.

    Normals and depth keep their values: the part is what the same camera sees through a longer
    lens, from the same place. The focal length in pixels grows by picture / part (and the
    principal point moves): depth values stay metres along z, but a network that infers them from
    sizes in the picture sees objects that look nearer than they are.

    Args:
        smallest: Least side of the part, as a fraction of the picture's; 1.0 changes nothing.

    Returns:
        When called with `(images, targets, rng)`, a new pair: images (N, H, W, 3) and a dict of
        maps (N, H, W) or (N, H, W, C), each of the type that it came with.

    Raises:
        ValueError: If `smallest` is out of range; when called, if a target is no map of the
            images' pixels.

    Source: for the name, and with other proportions too, Szegedy et al., Going Deeper with
    Convolutions, CVPR 2015.

    Example:

    >>> from keras_mtl.augmentation import RandomResizedCrop
    >>> labels = np.array([[[1, 1, 2, 2]] * 4])
    >>> images, targets = RandomResizedCrop(smallest=0.6)(
    ...     np.zeros((1, 4, 4, 3), "uint8"), {"labels": labels}, np.random.default_rng(0)
    ... )
    >>> images.shape, targets["labels"].shape, np.unique(targets["labels"]).tolist()
    ((1, 4, 4, 3), (1, 4, 4), [1, 2])
    """

    def __init__(self, smallest: float = 0.5) -> None:
        self.smallest = check_fraction("smallest", smallest, zero=False)

    def __call__(
        self, images: Array, targets: dict[str, Array], rng: np.random.Generator
    ) -> tuple[Array, dict[str, Array]]:
        check_pixel_maps(images, targets)
        num_images, height, width = images.shape[:3]
        side = rng.uniform(self.smallest, 1, num_images)
        rows = _positions(height, side, rng.random(num_images))[:, :, None]
        columns = _positions(width, side, rng.random(num_images))[:, None, :]
        which = np.arange(num_images)[:, None, None]
        nearest = which, _nearest(rows), _nearest(columns)
        targets = {name: values[nearest] for name, values in targets.items()}
        return _bilinear(images, which, rows, columns), targets


def _positions(size, side, place):
    """Where the pixels of enlarged parts come from, (N, size); k is the centre of pixel k."""
    start = place * (1 - side) * size
    positions = start[:, None] + (np.arange(size) + 0.5) * side[:, None] - 0.5
    # The outer half of the outermost pixels has no neighbour to interpolate with.
    return np.clip(positions, 0, size - 1)


def _nearest(positions):
    return np.floor(positions + 0.5).astype(int)


def _bilinear(images, which, rows, columns):
    """Images (N, H, W, 3) at rows (N, H, 1) and columns (N, 1, W)."""
    kind = np.result_type(images.dtype, "float32")
    above, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    below = np.minimum(above + 1, images.shape[1] - 1)
    right = np.minimum(left + 1, images.shape[2] - 1)
    down, across = (rows - above).astype(kind)[..., None], (columns - left).astype(kind)[..., None]
    upper = (1 - across) * images[which, above, left] + across * images[which, above, right]
    lower = (1 - across) * images[which, below, left] + across * images[which, below, right]
    result = (1 - down) * upper + down * lower
    if images.dtype.kind in "iu":
        result = np.rint(result)
    return result.astype(images.dtype, copy=False)
