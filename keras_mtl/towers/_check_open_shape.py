"""The one check of the input of towers whose maps may have any size."""


def check_open_shape(shape):
    """Raises ValueError unless `shape` is (height, width, 3), of known or unknown sizes."""
    sizes = () if shape is None else shape
    if len(sizes) != 3 or sizes[2] != 3 or any(size is not None and size < 1 for size in sizes):
        raise ValueError(f"`input_shape` must be (height, width, 3). Received: {shape}.")
