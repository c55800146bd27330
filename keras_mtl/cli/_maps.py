"""What a task says of every pixel, as a file that other programs read."""

import dataclasses

import numpy as np

from keras_mtl._files import whole_file
from keras_mtl.datasets._scaling import pillow

BYTES = 256
"""Classes that a byte can tell apart."""


@dataclasses.dataclass(frozen=True)
class Map:
    """What an output says of every pixel.

    Attributes:
        values: classes (h, w), or numbers (h, w) or (h, w, channels).
        classes: names of the classes in order, or `None` if they are numbers.
    """

    values: np.ndarray
    classes: list[str] | None = None

    def write(self, path):
        """Writes `path` with the suffix of its form behind it; returns where that is."""
        path = path.with_name(path.name + (".npy" if self.classes is None else ".png"))
        with whole_file(path) as file:
            if self.classes is None:
                np.save(file, self.values.astype("float32"))
            else:
                dtype = "uint8" if len(self.classes) <= BYTES else "uint16"
                pillow().fromarray(self.values.astype(dtype)).save(file, format="PNG")
        return path
