"""The one check of the input of towers of images that need some size."""


def check_input_shape(shape, smallest, last, open_size=False):
    """Raises ValueError unless `shape` is (height, width, 3), of `smallest` pixels a side or more.

    Args:
        shape: the argument `input_shape`.
        smallest: below it nothing is left of a map.
        last: name of the layer behind which nothing would be left.
        open_size: whether height and width may be unknown.
    """
    if len(shape) != 3 or shape[2] != 3 or (None in shape and not open_size):
        known = "" if open_size else " with known sizes"
        raise ValueError(f"`input_shape` must be (height, width, 3){known}. Received: {shape}.")
    if any(size is not None and size < smallest for size in shape[:2]):
        raise ValueError(
            "`input_shape` must have a height and a width of at least "
            f"{smallest} pixels, below which nothing is left behind {last}. Received: {shape}."
        )
