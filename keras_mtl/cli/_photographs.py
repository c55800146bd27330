"""Photographs as networks take them: of any kind and size."""

import dataclasses

import numpy as np

from keras_mtl.cli._errors import CommandError
from keras_mtl.datasets._scaling import BILINEAR, pillow
from keras_mtl.datasets.labelled_images import PICTURES


def paths_in(folder):
    """The pictures of a folder, in order, but not those of the folders in it."""
    if not folder.is_dir():
        raise CommandError(f"{folder} must be a folder of pictures")
    found = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in PICTURES]
    found = [path for path in found if path.is_file() and path.name[0] != "."]
    if not found:
        raise CommandError(
            f"{folder} holds no pictures ({', '.join(PICTURES)}); folders in it are not looked into"
        )
    return found


def resized(picture, size):
    """A picture (h, w, 3) of another size (height, width), bilinearly."""
    if picture.shape[:2] == tuple(size):
        return picture
    height, width = size
    return np.asarray(pillow().fromarray(picture).resize((width, height), resample=BILINEAR))


@dataclasses.dataclass(frozen=True)
class Frame:
    """A picture within what a network takes.

    Attributes:
        pixels: uint8 (height, width, 3), the picture scaled, and around it its edge, repeated.
        top, left, height, width: where in it the picture is.
        scale: by which it was scaled.
    """

    pixels: np.ndarray
    top: int
    left: int
    height: int
    width: int
    scale: float

    def cut(self, values):
        """Of a map of the network's output what lies on the picture: (height, width, …)."""
        rows, columns = (
            slice(round(start * factor), max(1, round((start + length) * factor)))
            for start, length, factor in (
                (self.top, self.height, values.shape[0] / self.pixels.shape[0]),
                (self.left, self.width, values.shape[1] / self.pixels.shape[1]),
            )
        )
        return values[rows, columns]


def framed(picture, size, centred=True):
    """A picture in a frame of `(height, width)`; nothing is distorted or cut off.

    What is left beside it is filled with its edge: black bars would be objects to a network.
    """
    scale = min(new / old for new, old in zip(size, picture.shape, strict=False))
    inner = [
        min(new, max(1, round(scale * old))) for new, old in zip(size, picture.shape, strict=False)
    ]
    start = [(new - old) // 2 if centred else 0 for new, old in zip(size, inner, strict=True)]
    padding = [
        (before, new - old - before) for before, new, old in zip(start, size, inner, strict=True)
    ]
    pixels = np.pad(resized(picture, inner), (*padding, (0, 0)), mode="edge")
    return Frame(pixels, *start, *inner, scale)
