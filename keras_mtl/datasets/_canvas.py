"""Pictures of several sizes as one array."""

import numpy as np

# ImageNet's mean colour: where a picture does not fill the canvas, a network that subtracts it
# sees zeros.
MEAN_COLOUR = (123, 117, 104)


def canvas(images, pad_to=None):
    """Puts every picture at the top left of a canvas of its own.

    Args:
        images: list of arrays (h, w, 3).
        pad_to: `(height, width)` in pixels of the canvas; the pictures' own size if `None`.

    Returns:
        float32 array (N, height, width, 3); the rest has the mean colour.

    Raises:
        ValueError: a picture does not fit, or the sizes differ without `pad_to`.
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
