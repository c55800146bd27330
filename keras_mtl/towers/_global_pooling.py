"""What a network without a classifier may end with."""

from keras import layers

from keras_mtl._checks import check_choice

POOLS = {"avg": layers.GlobalAveragePooling2D, "max": layers.GlobalMaxPooling2D}


def global_pooling(x, pooling):
    """The mean ("avg") or the maximum ("max") of a map, or the map itself (`None`)."""
    check_choice("pooling", pooling, (None, *POOLS))
    if pooling is None:
        return x
    return POOLS[pooling](name=f"{pooling}_pool")(x)
