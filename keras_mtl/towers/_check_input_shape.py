"""The one check of the input of towers that end in fully connected layers."""


def check_input_shape(shape, smallest, last):
    """Raises ValueError unless `shape` is (height, width, 3), of `smallest` pixels a side or more.

    Args:
        shape: the argument `input_shape`.
        smallest: below it nothing is left of a map.
        last: name of the layer behind which nothing would be left.
    """
    if len(shape) != 3 or shape[2] != 3 or None in shape:
        raise ValueError(
            f"`input_shape` must be (height, width, 3) with known sizes. Received: {shape}."
        )
    if min(shape[:2]) < smallest:
        raise ValueError(
            "`input_shape` must have a height and a width of at least "
            f"{smallest} pixels, below which nothing is left behind {last}. Received: {shape}."
        )
