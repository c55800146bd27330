"""Pictures on disk as a sequence of arrays."""

import numpy as np

from keras_mtl._check_integer import check_integer


class ImageFiles:
    """Reads pictures where they are asked for, resized or not.

    Pillow is an extra: `pip install 'keras-mtl[detection]'`.

    Args:
        paths: The files, in any format that Pillow reads.
        shortest_side: Resize each picture so that its shorter side has so many pixels. By default
            pictures keep their size, unless it is above `longest_side`.
        longest_side: The most pixels that the longer side may have; takes precedence.

    Raises:
        ValueError: A side is no integer of 1 or more.
        ImportError: When a picture is read: Pillow is not installed.
        OSError: When a picture is read: the file is missing, or no picture.

    Source: Girshick, Fast R-CNN, ICCV 2015, sections 3.1 and 5.2: 600 and 1000 pixels.

    Example:

    ```python
    images = ImageFiles(["000001.jpg", "000002.jpg"], shortest_side=600, longest_side=1000)
    images[0].shape, images.scales
    ```
    """

    def __init__(self, paths, shortest_side=None, longest_side=None):
        self.paths = [str(path) for path in paths]
        for name, side in {"shortest_side": shortest_side, "longest_side": longest_side}.items():
            if side is not None:
                check_integer(name, side, 1)
        self.shortest_side, self.longest_side = shortest_side, longest_side

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, number):
        """Picture `number` as a uint8 array (h, w, 3), RGB."""
        with _open(self.paths[number]) as image:
            scale = self._scale(image)
            try:
                image = image.convert("RGB")
            except OSError as error:
                raise OSError(f"{self.paths[number]} must be a whole picture: {error}") from error
            if scale != 1:
                size = [max(1, round(scale * side)) for side in image.size]
                image = image.resize(size, resample=2)  # Bilinear, wide enough not to alias.
            return np.asarray(image)

    @property
    def scales(self):
        """Float32 (N,): size in pixels by size on disk, what boxes have to be multiplied by."""
        scales = np.ones(len(self), "float32")
        if self.shortest_side is not None or self.longest_side is not None:
            for number, path in enumerate(self.paths):
                with _open(path) as image:  # Only the header is read.
                    scales[number] = self._scale(image)
        return scales

    def _scale(self, image):
        shortest, longest = sorted(image.size)
        scale = 1 if self.shortest_side is None else self.shortest_side / shortest
        return scale if self.longest_side is None else min(scale, self.longest_side / longest)


def _open(path):
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError(
            "Reading pictures needs Pillow: install it with `pip install 'keras-mtl[detection]'`."
        ) from error
    return Image.open(path)
