"""What a network without a classifier may end with."""

from keras import layers

POOLS = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}


def global_pooling(x, pooling):
    """The mean ("avg") or the maximum ("max") of a map, or the map itself (`None`)."""
    if pooling is None:
        return x
    if pooling not in POOLS:
        raise ValueError(f"`pooling` must be None, 'avg' or 'max'. Received: {pooling!r}.")
    return POOLS[pooling](name=f"{pooling}_pool")(x)
