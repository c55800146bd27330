"""Checks that several augmentations share."""


def check_pixel_maps(images, targets):
    """Raises ValueError, naming the array, unless all are maps of the images' pixels."""
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f"`images` must be of shape (N, H, W, 3). Received: {images.shape}")
    for name, values in targets.items():
        if values.ndim not in (3, 4) or values.shape[:3] != images.shape[:3]:
            raise ValueError(
                f"`targets[{name!r}]` must be a map (N, H, W) or (N, H, W, C) of the pixels of "
                f"images {images.shape}. Received: {values.shape}"
            )


def check_fraction(name, value, *, zero=True):
    """Returns `value` as a float; raises ValueError, naming it, unless it is from 0 to 1."""
    if not 0 <= value <= 1 or (value == 0 and not zero):
        limits = "from 0 to 1" if zero else "above 0 and at most 1"
        raise ValueError(f"`{name}` must be {limits}. Received: {value}")
    return float(value)
