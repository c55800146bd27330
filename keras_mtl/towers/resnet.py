"""ResNets in the form of DeepLab: a total stride of 8, and dilated kernels."""

import keras
from keras import layers

from keras_mtl.layers import CeilMaxPooling2D
from keras_mtl.towers._check_channels_last import check_channels_last
from keras_mtl.towers._layer_seeds import layer_seeds

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
"""Number of blocks of each stage, by the network's depth."""

BOTTLENECKS = (50,)
"""Depths of the networks whose blocks are bottlenecks."""

CHANNELS = (64, 128, 256, 512)
STRIDES = (1, 2, 1, 1)
DILATIONS = (1, 1, 2, 4)

# Of ImageNet's training set, for pixels from 0 to 1.
MEAN_RGB = (0.485, 0.456, 0.406)
DEVIATION_RGB = (0.229, 0.224, 0.225)


def ResNet(depth=34, input_shape=(224, 224, 3), *, width=1.0, seed=None, name=None):
    """Builds a ResNet without a classifier whose last two stages dilate instead of striding.

    The stem is a 7×7 convolution of stride 2 and a 3×3 max pool of stride 2 that rounds its size
    up. Four stages of residual blocks follow, of 64, 128, 256 and 512 channels, strides 1, 2, 1, 1
    and dilations 1, 1, 2, 4: a map has one cell for 8×8 pixels. A block ends with
    ReLU(shortcut + residual). The residual is two 3×3 convolutions; at depth 50 it is a bottleneck,
    1×1, 3×3, and 1×1 to four times the channels. Stride and dilation are those of the (first) 3×3.
    Where a stage starts with other channels or another stride, the shortcut is a 1×1 convolution.
    Every convolution is followed by batch normalisation and has no bias. Pixels go in as RGB from 0
    to 255; mean and deviation of ImageNet are taken off inside.

    Layers are named for those who take a block apart: the stem ends with `stem`, a block with
    `block2_1` (its ReLU), its residual with `block2_1_residual`, its projection, if it has one,
    with `block2_1_shortcut`.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, table 1 for the
    blocks; Chen et al., "DeepLab", TPAMI 2018, for the dilation; the form is that of Sun et al.,
    "AdaShare", NeurIPS 2020. Trainable parameters: 11,176,512 at depth 18, 21,284,672 at 34, and
    23,508,032 at 50, those of the ResNet-50 in common use, whose 3×3 convolutions stride.

    Args:
        depth: 18, 34 or 50.
        input_shape: `(height, width, 3)` in pixels; height and width may be unknown.
        width: factor on the number of channels of every layer.
        seed: integer seed of the weights, or `None`.
        name: name of the model; `resnet18`, say, if `None`.

    Returns:
        A functional `keras.Model` from (batch, height, width, 3) to (batch, rows, columns, 512 ×
        width), or 2048 × width at depth 50. `keras_mtl.towers.Tower(model, stages(depth))` cuts it
        behind every block.

    Raises:
        ValueError: another depth, an input of another shape, or a `width` that is not positive.

    Example:

    >>> import keras_mtl
    >>> from keras_mtl.towers.resnet import stages
    >>> net = keras_mtl.towers.ResNet(18, (96, 128, 3), width=0.125)
    >>> net.output_shape
    (None, 13, 17, 64)
    >>> keras_mtl.towers.Tower(net, stages(18)).stages[:3]
    ('stem', 'block1_1', 'block1_2')
    """
    check_channels_last("ResNet")
    _check_depth(depth)
    _check_input(input_shape)
    if not width > 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")
    seeds = layer_seeds(seed)

    def convolution(x, name, window, filters, strides=1, dilation=1):
        if window > 1 and strides > 1:
            # Keras' "same" pads even sizes behind their last pixel only, when it strides.
            x = layers.ZeroPadding2D(window // 2, name=f"{name}_pad")(x)
        return layers.Conv2D(
            filters,
            window,
            strides,
            padding="valid" if strides > 1 else "same",
            dilation_rate=dilation,
            use_bias=False,
            kernel_initializer=keras.initializers.VarianceScaling(
                2.0, "fan_out", "untruncated_normal", seed=next(seeds)
            ),
            name=name,
        )(x)

    def normalization(x, name):
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)

    def block(x, name, kernels, strides, project):
        shortcut = x
        if project:
            shortcut = convolution(x, f"{name}_shortcut_conv", 1, kernels[-1][1], strides)
            shortcut = normalization(shortcut, f"{name}_shortcut")
        for number, kernel in enumerate(kernels, 1):
            x = convolution(x, f"{name}_conv{number}", *kernel)
            if number < len(kernels):
                x = layers.ReLU(name=f"{name}_relu{number}")(normalization(x, f"{name}_bn{number}"))
        residual = normalization(x, f"{name}_residual")
        return layers.ReLU(name=name)(layers.Add(name=f"{name}_add")([shortcut, residual]))

    channels = [max(1, round(count * width)) for count in CHANNELS]
    image = layers.Input(input_shape)
    x = layers.Rescaling(
        [1 / (255 * deviation) for deviation in DEVIATION_RGB],
        [-mean / deviation for mean, deviation in zip(MEAN_RGB, DEVIATION_RGB, strict=True)],
        name="preprocess",
    )(image)
    x = convolution(x, "stem_conv", 7, channels[0], strides=2)
    x = layers.ReLU(name="stem_relu")(normalization(x, "stem_bn"))
    x = CeilMaxPooling2D(3, 2, padding=1, name="stem")(x)
    for stage in range(4):
        for number in range(BLOCKS[depth][stage]):
            starts = number == 0
            strides = STRIDES[stage] if starts else 1
            x = block(
                x,
                f"block{stage + 1}_{number + 1}",
                _kernels(depth, channels[stage], strides, DILATIONS[stage]),
                strides,
                # The stem's 64 channels are those of the first stage, unless it multiplies them.
                project=starts and (stage > 0 or depth in BOTTLENECKS),
            )
    return keras.Model(image, x, name=name or f"resnet{depth}")


def stages(depth):
    """Names of the layers at which a `ResNet` is cut: its stem and every block, in order.

    Args:
        depth: 18, 34 or 50.

    Returns:
        A tuple of 9 names, or of 17 at depths 34 and 50.

    Raises:
        ValueError: another depth.

    Example:

    >>> stages(18)[:4]
    ('stem', 'block1_1', 'block1_2', 'block2_1')
    """
    _check_depth(depth)
    blocks = (
        f"block{stage}_{number}"
        for stage, count in enumerate(BLOCKS[depth], 1)
        for number in range(1, count + 1)
    )
    return ("stem", *blocks)


def locations(depth):
    """Names of the last blocks of the four residual stages: where branched networks may part.

    Source: Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, on ResNets.

    Args:
        depth: 18, 34 or 50.

    Returns:
        A tuple of 4 names.

    Raises:
        ValueError: another depth.

    Example:

    >>> locations(18)
    ('block1_2', 'block2_2', 'block3_2', 'block4_2')
    """
    _check_depth(depth)
    return tuple(f"block{stage}_{count}" for stage, count in enumerate(BLOCKS[depth], 1))


def _kernels(depth, channels, strides, dilation):
    """Of a block's convolutions: window, filters, strides and dilation."""
    if depth in BOTTLENECKS:
        return [(1, channels), (3, channels, strides, dilation), (1, 4 * channels)]
    return [(3, channels, strides, dilation), (3, channels, 1, dilation)]


def _check_depth(depth):
    if depth not in BLOCKS:
        raise ValueError(f"`depth` must be one of {list(BLOCKS)}. Received: depth={depth!r}.")


def _check_input(shape):
    if len(shape) != 3 or shape[2] != 3 or any(size is not None and size < 1 for size in shape):
        raise ValueError(f"`input_shape` must be (height, width, 3). Received: {shape}.")
