"""Random brightness, contrast and saturation."""

import numpy as np

from keras_mtl._types import Array
from keras_mtl.augmentation._checks import check_fraction, check_pixel_maps

# Luma of ITU-R BT.601, as in most software for pictures.
GREY = np.array([0.299, 0.587, 0.114], "float32")


class ColorJitter:
    """Changes the brightness, the contrast and the saturation of each picture, in this order.

    Each is a factor drawn uniformly from 1 - x to 1 + x, for every picture anew: of all values;
    of their distance from the picture's mean grey; of their distance from the pixel's own grey.
    Targets stay as they are.

    Args:
        brightness: x of the brightness, from 0 (no change) to 1.
        contrast: x of the contrast.
        saturation: x of the saturation.

    Returns:
        When called with `(images, targets, rng)`, a new pair: RGB images (N, H, W, 3) of the
        same type, with values from 0 to 255 as they must have come, and the targets.

    Raises:
        ValueError: If an argument is out of range; when called, if `images` have another shape.

    Source: the three changes are those of Howard, Some Improvements on Deep Convolutional Neural
    Network Based Image Classification, 2013.

    Example:

    >>> from keras_mtl.augmentation import ColorJitter
    >>> images = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), "uint8")
    >>> labels = np.ones((2, 4, 4), "int32")
    >>> changed, targets = ColorJitter()(images, {"labels": labels}, np.random.default_rng(1))
    >>> changed.dtype.name, bool((changed == images).all()), targets["labels"] is labels
    ('uint8', False, True)
    """

    def __init__(
        self, brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2
    ) -> None:
        self.brightness = check_fraction("brightness", brightness)
        self.contrast = check_fraction("contrast", contrast)
        self.saturation = check_fraction("saturation", saturation)

    def __call__(
        self, images: Array, targets: dict[str, Array], rng: np.random.Generator
    ) -> tuple[Array, dict[str, Array]]:
        check_pixel_maps(images, {})
        spans = (self.brightness, self.contrast, self.saturation)
        brightness, contrast, saturation = (
            rng.uniform(1 - span, 1 + span, (len(images), 1, 1, 1)).astype("float32")
            for span in spans
        )
        colors = brightness * images.astype(np.result_type(images.dtype, "float32"))
        mean = (colors @ GREY).mean(axis=(1, 2))[:, None, None, None]
        colors = mean + contrast * (colors - mean)
        grey = (colors @ GREY)[..., None]
        colors = np.clip(grey + saturation * (colors - grey), 0, 255)
        if images.dtype.kind in "iu":
            colors = np.rint(colors)
        return colors.astype(images.dtype, copy=False), dict(targets)
