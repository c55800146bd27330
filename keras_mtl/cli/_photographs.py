"""Photographs as networks take them: of any kind and size."""

import dataclasses
import glob
import itertools
import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from keras_mtl._text import few
from keras_mtl.cli._errors import CommandError
from keras_mtl.datasets._scaling import BILINEAR, pillow
from keras_mtl.datasets.labelled_images import PICTURES

KINDS = ", ".join(PICTURES)


def pictures_of(words):
    """The pictures that paths and globs name, in their order, each once.

    Raises:
        CommandError: one of them names none.
    """
    found = {}
    for word in words:
        for path in _named_by(word):
            found.setdefault(os.path.normcase(path.parent.resolve() / path.name), path)
    return list(found.values())


def _named_by(word):
    """The pictures of a folder, or that a glob matches, in order; or the one of the file."""
    if word.is_dir():
        found = _pictures_among(path for path in word.iterdir() if path.name[0] != ".")
        reason = f"{word} holds no pictures ({KINDS}); folders in it are not looked into"
    elif not word.is_file() and glob.has_magic(str(word)):
        matches = [Path(match) for match in glob.glob(str(word), recursive=True)]
        found = _pictures_among(matches)
        what = "nothing" if not matches else f"no picture ({KINDS}), but {few(matches, 3)}"
        reason = f"{word} must match pictures. It matches {what}"
    else:
        found = _pictures_among([word])
        what = f"it is none of {KINDS}" if word.is_file() else "there is no such file"
        reason = f"{word} must be a folder of pictures, a picture, or a glob of them: {what}"
    if not found:
        raise CommandError(reason)
    return found


def _pictures_among(paths):
    return sorted(path for path in paths if path.suffix.lower() in PICTURES and path.is_file())


def by_name(paths):
    """Pictures by what each is called in the output: `cat.jpg`, or `holiday/cat.jpg`.

    A name that several have stands behind as many of their folders as tell them apart.
    """
    alike = defaultdict(list)
    for path in paths:
        alike[os.path.normcase(path.name)].append(path)
    return {
        called: path
        for group in alike.values()
        for called, path in zip(_told_apart(group), group, strict=True)
    }


def _told_apart(paths):
    whole = [path.parent.resolve() / path.name for path in paths]
    # Drives of Windows count as folders; what is written must not begin at a root.
    parts = [Path(path.anchor.strip(":/\\"), *path.parts[1:]).parts for path in whole]
    for count in itertools.count(1):
        names = ["/".join(each[-count:]) for each in parts]
        if len({os.path.normcase(name) for name in names}) == len(names):
            return names


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
