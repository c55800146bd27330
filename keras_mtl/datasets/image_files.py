"""Pictures on disk as a sequence of arrays."""

from collections.abc import Iterable

import numpy as np

from keras_mtl._types import Array, PathLike

from ._scaling import Scaling, open_picture, read_file


class ImageFiles:
    """Reads pictures where they are asked for, resized or not.

    Pillow is an extra: `pip install 'keras-mtl[data]'`.

    Args:
        paths: The files, in any format that Pillow reads.
        shortest_side: Resize each picture so that its shorter side has so many pixels. By default
            pictures keep their size, unless it is above `longest_side`.
        longest_side: The most pixels that the longer side may have; takes precedence.

    Raises:
        ValueError: A side is no integer of 1 or more.
        ImportError: When a picture is read: Pillow is not installed.
        OSError: When a picture is read: the file is missing, or no whole picture, or its numbers
            are no brightnesses, such as depths.

    Source: Girshick, Fast R-CNN, ICCV 2015, sections 3.1 and 5.2: 600 and 1000 pixels.

    Example:

    ```python
    images = ImageFiles(["000001.jpg", "000002.jpg"], shortest_side=600, longest_side=1000)
    images[0].shape, images.scales
    ```
    """

    def __init__(
        self,
        paths: Iterable[PathLike],
        shortest_side: int | None = None,
        longest_side: int | None = None,
    ) -> None:
        self.paths = [str(path) for path in paths]
        self._scaling = Scaling(shortest_side, longest_side)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> Array:
        """Picture `number` as a uint8 array (h, w, 3), RGB."""
        picture, _ = read_file(self.paths[number], self._scaling)
        return picture

    @property
    def scales(self) -> Array:
        """Float32 (N,): size in pixels by size on disk, what boxes have to be multiplied by."""
        scales = np.ones(len(self), "float32")
        if self._scaling != Scaling():
            for number, path in enumerate(self.paths):
                with open_picture(path) as image:  # Only the header is read.
                    scales[number] = self._scaling.factor(image.size)
        return scales
