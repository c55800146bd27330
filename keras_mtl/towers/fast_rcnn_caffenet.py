"""CaffeNet as Fast R-CNN uses it: one map for the image, fully connected layers for each region."""

import keras
from keras import layers

from keras_mtl.layers import RoIPooling
from keras_mtl.towers.caffenet import CaffeNet

STAGES = (
    *("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5"),
    *("roi_pool5", "fc6", "fc7"),
)
"""The layers at which the network is cut: where tasks may part, and where units may stand."""

BINS = 6


def FastRCNNCaffeNet(
    input_shape=(None, None, 3),
    *,
    width=1.0,
    fc_width=None,
    groups=2,
    stem_strides=4,
    padding=5,
    rescale=1.0,
    dropout=0.5,
    seed=None,
    name="fast_rcnn_caffenet",
):
    """Builds CaffeNet up to fc7, with RoI max pooling in the place of pool5.

    Source: Girshick, "Fast R-CNN", ICCV 2015; its published CaffeNet pads conv1 by 5 pixels and
    pool1 and pool2 by one cell, so that the map of an image has 1/16 of its size.

    Args:
        input_shape: `(height, width, 3)` in pixels; height and width may be unknown.
        width, fc_width, groups, stem_strides, rescale, dropout, seed: as in `CaffeNet`.
        padding: pixels around the image at conv1; the pools are then padded by one cell. Or
            `"same"`: the map is the image's size divided by its stride, which needs sides that are
            multiples of `8 * stem_strides`.
        name: name of the model.

    Returns:
        A functional `keras.Model` of `[image, rois]`, RGB pixels from 0 to 255 and boxes (batch,
        regions, 4) `[x1, y1, x2, y2]` in pixels, that returns features (batch, regions, channels).
        `keras_mtl.towers.Tower(model, STAGES)` cuts it along the image.

    Raises:
        ValueError: as `CaffeNet`.

    Example:

    >>> import keras_mtl
    >>> net = keras_mtl.towers.FastRCNNCaffeNet(width=0.25, fc_width=0.125)
    >>> net.output_shape
    (None, None, 512)
    """
    image, rois = keras.Input(input_shape, name="image"), keras.Input((None, 4), name="rois")
    convolutional = CaffeNet(
        include_top=False,
        input_tensor=image,
        width=width,
        groups=groups,
        stem_strides=stem_strides,
        padding=padding,
        pool_padding=0 if padding == "same" else 1,
        rescale=rescale,
        seed=seed,
    )
    x = convolutional.get_layer("conv5").output
    x = RoIPooling(BINS, 1 / (4 * stem_strides), name="roi_pool5")([x, rois])
    x = layers.Reshape((-1, BINS * BINS * x.shape[-1]), name="flatten")(x)
    units = max(1, round(4096 * (width if fc_width is None else fc_width)))
    for position, layer in enumerate(("fc6", "fc7")):
        x = layers.Dense(
            units,
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(
                None if seed is None else 10 * seed + 5 + position
            ),
            name=layer,
        )(x)
        if layer == "fc6":  # behind the last features the head drops
            x = layers.Dropout(dropout, seed=seed, name="drop6")(x)
    return keras.Model([image, rois], x, name=name)
