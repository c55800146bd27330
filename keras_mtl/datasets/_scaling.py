"""The sizes that pictures and maps come out in."""

import dataclasses
import io
import math
import os
import warnings

import numpy as np

from keras_mtl._checks import check_integer
from keras_mtl._extra import extra

BILINEAR = 2  # of Pillow; where pictures shrink wide enough not to alias
DIMMEST = 16
"""No picture of fractions up to 255 is all darker."""


@dataclasses.dataclass(frozen=True)
class Scaling:
    """Scales pictures with all that they show, to sides in pixels; keeps their size by default."""

    shortest_side: int | None = None
    longest_side: int | None = None
    """The most pixels that the longer side may have; takes precedence."""

    def __post_init__(self):
        for name, side in vars(self).items():
            if side is not None:
                check_integer(name, side, 1)

    def factor(self, size):
        """What the sides of a picture of some size are multiplied by."""
        factor = 1 if self.shortest_side is None else self.shortest_side / min(size)
        return factor if self.longest_side is None else min(factor, self.longest_side / max(size))

    def picture(self, encoded):
        """A picture as uint8 (h, w, 3), RGB, of the bytes of its file."""
        return read_picture(open_picture(io.BytesIO(encoded)), self.scaled)

    def map(self, encoded):
        """A map (h, w) or (h, w, channels) of the bytes of its file, of the values that it has."""
        return self.array(np.asarray(open_picture(io.BytesIO(encoded))))

    def array(self, values):
        """A map: of the values of an array the nearest ones, as labels cannot be mixed."""
        return nearest(values, self.scaled(values.shape[:2]))

    def scaled(self, size):
        """The size (h, w) that a picture of some size comes out in."""
        factor = self.factor(size)
        return tuple(max(1, round(factor * side)) for side in size)


@dataclasses.dataclass(frozen=True)
class Square:
    """Cuts the largest square out of the middle of pictures and scales it."""

    size: int | None = None
    """Sides in pixels; `None`: pictures come out as they are."""

    def __post_init__(self):
        if self.size is not None:
            check_integer("size", self.size, 1)

    def picture(self, encoded):
        """A picture as uint8 (size, size, 3), RGB, of the bytes of its file."""
        image = open_picture(io.BytesIO(encoded))
        if self.size is None:
            return read_picture(image)
        side = min(image.size)
        left, top = ((length - side) // 2 for length in image.size)
        return read_picture(
            image.crop((left, top, left + side, top + side)), lambda size: (self.size, self.size)
        )


def nearest(values, size):
    """A map (h, w, …) of another size (h, w), of the nearest of its values."""
    if size == values.shape[:2]:
        return values
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(int)
        for new, old in zip(size, values.shape, strict=False)
    )
    return values[rows[:, None], columns]


def pillow():
    """Pillow's module of pictures."""
    return extra("Reading pictures needs Pillow", "data", "PIL", "PIL.Image")


def open_picture(file):
    """Opens a picture with Pillow, of which only the header is read; `file` as Pillow takes it."""
    return pillow().open(file)


def read_file(path, scaling, sparing=False):
    """The picture of a file, as `read_picture` makes it, and by what its sides were multiplied.

    Args:
        path: of the file.
        scaling: the `Scaling` of its size.
        sparing: whether memory counts more than the last bit of a pixel: a JPEG is decoded smaller
            where it will be shrunk, and what decodes to more pixels than Pillow's
            `MAX_IMAGE_PIXELS` is refused.

    Raises:
        OSError: the file is missing, or no picture that can be read, naming it.
        ImportError: Pillow is not installed.
    """
    path, Image = os.fspath(path), pillow()
    try:
        with warnings.catch_warnings():
            if sparing:
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(path)
        with image:
            factor = scaling.factor(image.size)
            if sparing:
                # Twice the size that is asked for: what is shrunk further must not alias.
                image.draft(None, [2 * side for side in scaling.scaled(image.size)])
                _check_pixels(image.size, Image.MAX_IMAGE_PIXELS)
            return read_picture(image, scaling.scaled), factor
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except Exception as error:  # Pillow raises many: of a broken file any of them may come.
        reason = error if os.path.getsize(path) else "the file is empty"
        raise OSError(f"{path} must be a whole picture: {reason}") from error


def _check_pixels(size, most):
    if most is not None and math.prod(size) > most:
        raise ValueError(f"it has {size[0]} × {size[1]} pixels, and at most {most:,} are read")


def read_picture(image, new_size=None):
    """An opened picture as uint8 (h, w, 3), RGB; `new_size` is a function of (h, w).

    It is turned as its file says, and what is transparent is white. Of 16 bits the upper ones are
    kept; numbers with a point are brightnesses up to 1, or up to 255 or 65535.

    Raises:
        ValueError: its numbers are no brightnesses.
    """
    from PIL import ImageOps

    ImageOps.exif_transpose(image, in_place=True)
    image = _of_bytes(image)
    if new_size is not None:
        width, height = image.size
        height, width = new_size((height, width))
        if image.size != (width, height):
            image = image.resize((width, height), resample=BILINEAR)
    return np.asarray(_as_rgb(image))


def _of_bytes(image):
    """A picture of bytes that can be mixed: no palette, no larger numbers."""
    if image.mode[0] in "IF":
        return pillow().fromarray(_brightness(np.asarray(image)))
    mode = {"1": "L", "P": "RGB", "PA": "RGBA"}.get(image.mode, image.mode)
    if "transparency" in image.info:
        mode = "RGBA"
    return image if image.mode == mode else image.convert(mode)


def _brightness(values):
    """Numbers as bytes; white is the least of 1 (of fractions), 8 and 16 bits that they fit."""
    fractions = values.dtype.kind == "f"
    whites = (1, 255, 65535) if fractions else (255, 65535)
    low, high = values.min(), values.max()
    white = next((each for each in whites if high <= each), None)
    # Fractions beyond 1, as of light itself, would be black as bytes.
    if not low >= 0 or white is None or fractions and 1 < high < DIMMEST:
        raise ValueError(
            f"its numbers must be from 0 to {' or '.join(map(str, whites))}, "
            f"and are from {low:g} to {high:g}"
        )
    if fractions:
        values = np.round(values * (255 / white))
    elif white == 65535:
        values = values >> 8
    return values.astype("uint8")


def _as_rgb(image):
    if image.mode not in ("RGBA", "LA", "RGBa", "La"):
        return image.convert("RGB")
    white = pillow().new("RGBA", image.size, "white")
    return pillow().alpha_composite(white, image.convert("RGBA")).convert("RGB")
