"""The sizes that pictures and maps come out in."""

import dataclasses
import io

import numpy as np

from keras_mtl._check_integer import check_integer
from keras_mtl._extra import extra

BILINEAR = 2  # of Pillow; where pictures shrink wide enough not to alias


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
        size = self.scaled(values.shape[:2])
        if size == values.shape[:2]:
            return values
        rows, columns = (
            ((np.arange(new) + 0.5) * old / new).astype(int)
            for new, old in zip(size, values.shape, strict=False)
        )
        return values[rows[:, None], columns]

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


def pillow():
    """Pillow's module of pictures."""
    return extra("Reading pictures needs Pillow", "data", "PIL", "PIL.Image")


def open_picture(file):
    """Opens a picture with Pillow, of which only the header is read; `file` as Pillow takes it."""
    return pillow().open(file)


def read_picture(image, new_size=None):
    """An opened picture as uint8 (h, w, 3), RGB; `new_size` is a function of (h, w).

    It is turned as its file says, and what is transparent is white. Of 16 bits the upper ones are
    kept.
    """
    image = _as_rgb(_upright(image))
    if new_size is not None:
        width, height = image.size
        height, width = new_size((height, width))
        if image.size != (width, height):
            image = image.resize((width, height), resample=BILINEAR)
    return np.asarray(image)


def _upright(image):
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def _as_rgb(image):
    Image = pillow()
    if image.mode[0] == "I":  # Pillow would cut off what is above 255.
        values = np.asarray(image)
        image = Image.fromarray((values >> 8 if values.max() > 255 else values).astype("uint8"))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")
