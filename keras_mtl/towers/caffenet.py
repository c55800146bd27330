"""CaffeNet: the AlexNet of Caffe, on which cross-stitch networks were built."""

import math
from collections.abc import Callable
from typing import Literal

import keras
from keras import layers

from keras_mtl._types import PathLike, Shape, Tensor
from keras_mtl.layers import CeilMaxPooling2D, LocalResponseNormalization
from keras_mtl.towers._check_channels_last import check_channels_last
from keras_mtl.towers._check_input_shape import check_input_shape
from keras_mtl.towers._global_pooling import global_pooling
from keras_mtl.towers._imagenet_pixels import CAFFE_MEAN_RGB
from keras_mtl.towers._layer_seeds import layer_seeds
from keras_mtl.weights import load_weights

STAGES = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "fc6", "fc7")
"""The layers at which CaffeNet is cut: where tasks may part, and where units may stand."""

CAFFE_NAMES = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
"""The layers with weights, which have Caffe's names."""

FC6_WINDOW = 6


def CaffeNet(
    include_top: bool = True,
    weights: PathLike | None = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: Shape | None = None,
    pooling: Literal["avg", "max"] | None = None,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    *,
    width: float = 1.0,
    fc_width: float | None = None,
    groups: int = 2,
    stem_strides: int = 4,
    padding: int | Literal["same"] = 0,
    pool_padding: int = 0,
    fully_convolutional: bool = False,
    rescale: float = 1.0,
    dropout: float = 0.5,
    seed: int | None = None,
    name: str = "caffenet",
) -> keras.Model:
    """Builds CaffeNet; arguments as in `keras.applications`, and the forms the papers use.

    Convolution, ReLU, pooling, normalisation in Caffe's order; pools round their size up. Pixels
    go in as RGB from 0 to 255; the mean is taken off inside.

    Source: Krizhevsky et al. 2012 as distributed with Caffe (60,965,224 parameters); the fully
    convolutional form is that of Long et al., CVPR 2015.

    Args:
        include_top: whether to end with the classifier fc8. Without it the network ends with pool5,
            or, if `fully_convolutional`, with fc7.
        weights: `None` (random), or the path or URL (as of `keras_mtl.weights.fetch`) of a file of
            weights: of Keras, or a `.caffemodel` with the published names. Caffe's conv1 takes BGR
            pixels as they are; its kernel is turned to RGB and divided by `rescale`, so that the
            network computes what Caffe's does. BVLC's AlexNet normalises before it pools and is
            refused: its weights would fit.
        input_tensor: a Keras tensor to build on, instead of `input_shape`.
        input_shape: `(height, width, 3)` in pixels; `(227, 227, 3)` if `None`. Without the
            classifier height and width may be unknown, `(None, None, 3)`.
        pooling: without the classifier, `"avg"` or `"max"` ends with the mean or maximum over the
            map; `None` with the map.
        classes: number of classes of the classifier.
        classifier_activation: activation of the classifier.
        width: factor on the number of channels of every layer but the classifier; the numbers are
            rounded to multiples of `groups`.
        fc_width: the factor for fc6 and fc7, which hold most of the weights; `width` if `None`.
        groups: groups of conv2, conv4 and conv5.
        stem_strides: step of conv1, in pixels: 4 makes a total stride of 32, 2 one of 16.
        padding: pixels around the image at conv1 (0, or 100 in FCN-32s), or `"same"`: every map
            is the image's size divided by its stride, which needs sides that are multiples of it.
        pool_padding: pixels around the maps at pool1 and pool2 (0, or 1 in Fast R-CNN).
        fully_convolutional: whether fc6, fc7 (and the classifier) are convolutions.
        rescale: factor on the pixels after the mean is taken off. Caffe's networks take 1; from
            random weights a factor near 1/64 trains better.
        dropout: rate after fc6 and fc7.
        seed: integer seed of weights and dropout, or `None`.
        name: name of the model.

    Returns:
        A functional `keras.Model`, which `keras_mtl.towers.Tower(model, STAGES)` cuts.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: an input too small for the network (the message says the minimum), not a
            multiple of the stride for `padding="same"`, or of a size that is unknown and must not
            be; a `rescale` that is not positive; weights that do not fit.

    Example:

    >>> import keras_mtl
    >>> net = keras_mtl.towers.CaffeNet(include_top=False, input_shape=(96, 96, 3), width=0.25)
    >>> net.output_shape
    (None, 2, 2, 64)
    """
    check_channels_last("CaffeNet")
    if not rescale > 0:
        raise ValueError(f"`rescale` must be positive. Received: rescale={rescale}.")
    shape = (input_shape or (227, 227, 3)) if input_tensor is None else input_tensor.shape[1:]
    open_size = not include_top and not fully_convolutional and padding != "same"
    _check_input(shape, padding, stem_strides, fully_convolutional, open_size)
    image = layers.Input(shape) if input_tensor is None else input_tensor
    channels = {  # multiples of the groups, which divide them
        count: groups * max(1, round(count * width / groups)) for count in (96, 256, 384)
    }
    channels[4096] = max(1, round(4096 * (width if fc_width is None else fc_width)))
    seeds = layer_seeds(seed, layers=10)

    def initializer():
        return keras.initializers.HeNormal(seed=next(seeds))

    def convolution(name, filters, window, **options):
        return layers.Conv2D(
            channels[filters],
            window,
            activation="relu",
            kernel_initializer=initializer(),
            name=name,
            **options,
        )

    x = layers.Rescaling(rescale, [-rescale * mean for mean in CAFFE_MEAN_RGB], name="preprocess")(
        image
    )
    pads = _stem_pads(x.shape[1:3], padding, stem_strides)
    if any(map(any, pads)):
        x = layers.ZeroPadding2D(pads, name="pad1")(x)
    x = convolution("conv1", 96, 11, strides=stem_strides)(x)
    x = CeilMaxPooling2D(padding=pool_padding, name="pool1")(x)
    x = LocalResponseNormalization(name="norm1")(x)
    x = convolution("conv2", 256, 5, padding="same", groups=groups)(x)
    x = CeilMaxPooling2D(padding=pool_padding, name="pool2")(x)
    x = LocalResponseNormalization(name="norm2")(x)
    x = convolution("conv3", 384, 3, padding="same")(x)
    x = convolution("conv4", 384, 3, padding="same", groups=groups)(x)
    x = convolution("conv5", 256, 3, padding="same", groups=groups)(x)
    x = CeilMaxPooling2D(name="pool5")(x)

    classifier = {
        "activation": classifier_activation,
        "kernel_initializer": keras.initializers.GlorotUniform(
            None if seed is None else 10 * seed + 9
        ),
    }
    dropout_seed = {"fc6": seed, "fc7": None if seed is None else seed + 1}
    if fully_convolutional:
        if padding == "same":
            x = layers.ZeroPadding2D(((3, 2), (3, 2)), name="pad6")(x)
        for name_, window in (("fc6", FC6_WINDOW), ("fc7", 1)):
            x = convolution(name_, 4096, window)(x)
            if include_top or name_ == "fc6":  # behind the last features the head drops
                x = layers.Dropout(dropout, seed=dropout_seed[name_], name=f"drop{name_[2:]}")(x)
        if include_top:
            x = layers.Conv2D(classes, 1, name="fc8", **classifier)(x)
    elif include_top:
        x = layers.Flatten(name="flatten")(x)
        for name_ in ("fc6", "fc7"):
            x = layers.Dense(
                channels[4096], activation="relu", kernel_initializer=initializer(), name=name_
            )(x)
            x = layers.Dropout(dropout, seed=dropout_seed[name_], name=f"drop{name_[2:]}")(x)
        x = layers.Dense(classes, name="fc8", **classifier)(x)

    if not include_top:
        x = global_pooling(x, pooling)

    inputs = image if input_tensor is None else keras.utils.get_source_inputs(input_tensor)
    model = keras.Model(inputs, x, name=name)
    if weights is not None:
        load_caffe(model, weights, rescale, model.get_layer("pool5").output.shape[1:3])
    return model


def load_caffe(model, weights, rescale, fc6_map):
    """Loads a file of Keras or of Caffe into a network with CaffeNet's layers.

    Args:
        model: the network.
        weights: path or URL of the file.
        rescale: as in `CaffeNet`.
        fc6_map: `(height, width)` of the map that fc6, if it is a `Dense` layer, sees flattened.
    """

    def conv1(kernel):
        return kernel[:, ::-1] / rescale  # of BGR pixels, and not scaled

    load_weights(
        model,
        weights,
        caffe_names=CAFFE_NAMES,
        flattened={"fc6": fc6_map},
        kernels={"conv1": conv1},
    )


def score_geometry(input_shape, padding, stem_strides):
    """Where the cells of the fully convolutional fc7 stand in the image.

    Args:
        input_shape: `(height, width, …)` in pixels.
        padding: as in `CaffeNet`.
        stem_strides: as in `CaffeNet`.

    Returns:
        `(stride, (row, column))`: the distance of neighbouring cells, and the centre of the first
        one, in pixels of the image.
    """
    pads = _stem_pads(input_shape[:2], padding, stem_strides)
    before_fc6 = 3 if padding == "same" else 0
    centres = []
    for before_conv1, _ in pads:
        stride, centre = 1, 0.0
        for window, step, pad in (
            (11, stem_strides, before_conv1),
            (3, 2, 0),
            (3, 2, 0),
            (3, 2, 0),
            (FC6_WINDOW, 1, before_fc6),
        ):
            centre += stride * ((window - 1) / 2 - pad)
            stride *= step
        centres.append(centre)
    return stride, tuple(centres)


def _stem_pads(size, padding, strides):
    if padding != "same":
        return ((padding, padding), (padding, padding))
    totals = [max((math.ceil(n / strides) - 1) * strides + 11 - n, 0) for n in size]
    # One more before than behind: the pools, which hang over the far edge, lean the other way.
    return tuple((total - total // 2, total // 2) for total in totals)


def _check_input(shape, padding, stem_strides, fully_convolutional, open_size):
    if padding == "same":
        check_input_shape(shape)
        total_stride = 8 * stem_strides
        if any(size % total_stride for size in shape[:2]):
            raise ValueError(
                "`input_shape` must have a height and a width that are multiples of "
                f"{total_stride} with padding='same'. Received: input_shape={shape}."
            )
        return
    # Back through the network: the smallest map each layer can stand on.
    smallest = FC6_WINDOW if fully_convolutional else 1
    for _pool in range(3):
        smallest = 2 * smallest if smallest > 1 else 1
    minimum = max((smallest - 1) * stem_strides + 11 - 2 * padding, 1)
    last = "fc6" if fully_convolutional else "pool5"
    check_input_shape(shape, minimum, last, open_size)
