"""The one check of triplets of rows."""


def check_triplets(name, triplets, num_rows):
    """Raises ValueError, naming the argument, unless they are integers (K, 3) below `num_rows`."""
    if triplets.ndim != 2 or triplets.shape[1] != 3 or triplets.dtype.kind not in "iu":
        raise ValueError(
            f"`{name}` must be integers (K, 3). "
            f"Received: {triplets.dtype} of shape {triplets.shape}."
        )
    if triplets.size and not 0 <= triplets.min() <= triplets.max() < num_rows:
        raise ValueError(
            f"`{name}` must be from 0 to {num_rows - 1}. "
            f"Received: {triplets.min()} to {triplets.max()}."
        )
