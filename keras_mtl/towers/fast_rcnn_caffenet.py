"""CaffeNet as Fast R-CNN uses it: one map for the image, fully connected layers for each region."""

import keras
from keras import layers

from keras_mtl._types import PathLike, Shape
from keras_mtl.layers import RoIPooling
from keras_mtl.towers.caffenet import CaffeNet, load_caffe

STAGES = (
    *("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5"),
    *("roi_pool5", "fc6", "fc7"),
)
"""The layers at which the network is cut: where tasks may part, and where units may stand."""

BINS = 6


def FastRCNNCaffeNet(
    input_shape: Shape = (None, None, 3),
    weights: PathLike | None = None,
    *,
    width: float = 1.0,
    fc_width: float | None = None,
    groups: int = 2,
    stem_strides: int = 4,
    rescale: float = 1.0,
    dropout: float = 0.5,
    seed: int | None = None,
    name: str = "fast_rcnn_caffenet",
) -> keras.Model:
    """Builds CaffeNet up to fc7, with RoI max pooling in the place of pool5.

    As published, conv1 is padded by 5 pixels and pool1 and pool2 by one cell: cell k of conv5 then
    has its centre at pixel k times the stride, which is where RoI pooling takes it to be.

    Source: Girshick, "Fast R-CNN", ICCV 2015, and its published CaffeNet.

    Args:
        input_shape: `(height, width, 3)` in pixels; height and width may be unknown.
        weights: as in `CaffeNet`.
        width, fc_width, groups, stem_strides, rescale, dropout, seed: as in `CaffeNet`.
        name: name of the model.

    Returns:
        A functional `keras.Model` of `[image, rois]`, RGB pixels from 0 to 255 and boxes (batch,
        regions, 4) `[x1, y1, x2, y2]` in pixels, (x2, y2) exclusive. It returns features (batch,
        regions, channels). `keras_mtl.towers.Tower(model, STAGES)` cuts it along the image.

    Raises:
        FileNotFoundError: there is no file `weights`.
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
        padding=5,
        pool_padding=1,
        rescale=rescale,
        seed=seed,
    )
    x = convolutional.get_layer("conv5").output
    # RoI pooling takes the last pixel, not the one behind it. Never in half precision.
    pixels = layers.Rescaling(1.0, [0.0, 0.0, -1.0, -1.0], dtype="float32", name="last_pixels")(
        rois
    )
    x = RoIPooling(BINS, 1 / (4 * stem_strides), name="roi_pool5")([x, pixels])
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
    model = keras.Model([image, rois], x, name=name)
    if weights is not None:
        load_caffe(model, weights, rescale, (BINS, BINS))
    return model
