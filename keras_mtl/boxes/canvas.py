"""Pictures of several sizes as one array."""

from collections.abc import Sequence

import numpy as np

from keras_mtl._types import Array, Size

# ImageNet's mean colour: where a picture does not fill the canvas, a network that subtracts it
# sees zeros.
MEAN_COLOUR = (123, 117, 104)


def canvas(images: Sequence[Array], pad_to: Size | None = None) -> Array:
    """Puts every picture at the top left of a canvas of its own.

    Args:
        images: list of arrays (h, w, 3).
        pad_to: `(height, width)` in pixels of the canvas; the pictures' own size if `None`.

    Returns:
        float32 array (N, height, width, 3); the rest has the mean colour.

    Raises:
        ValueError: a picture does not fit, or the sizes differ without `pad_to`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> images = [np.zeros((40, 60, 3)), np.zeros((50, 30, 3))]
    >>> keras_mtl.boxes.canvas(images, pad_to=(64, 64)).shape
    (2, 64, 64, 3)
    """
    sizes = {np.shape(image)[:2] for image in images}
    if pad_to is None and len(sizes) > 1:
        raise ValueError(
            "`pad_to` must be given where the pictures of a batch differ in size. "
            f"Received: None, and pictures of (height, width) {sorted(sizes)}."
        )
    height, width = pad_to or min(sizes)
    if any(size[0] > height or size[1] > width for size in sizes):
        raise ValueError(
            f"`pad_to` must have room for every picture. Received: {(height, width)}, and "
            f"pictures of (height, width) {sorted(sizes)}."
        )
    stacked = np.empty((len(images), height, width, 3), "float32")
    stacked[:] = MEAN_COLOUR
    for space, image in zip(stacked, images, strict=True):
        space[: len(image), : len(image[0])] = image
    return stacked
