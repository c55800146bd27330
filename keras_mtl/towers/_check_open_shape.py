"""The one check of the input of towers whose maps may have any size."""


def check_open_shape(shape):
    """Raises ValueError unless `shape` is (height, width, 3), of known or unknown sizes."""
    if len(shape) != 3 or shape[2] != 3 or any(size is not None and size < 1 for size in shape):
        raise ValueError(f"`input_shape` must be (height, width, 3). Received: {shape}.")
