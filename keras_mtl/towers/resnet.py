"""ResNets: DeepLab's, of a total stride of 8, and those that classify ImageNet, of 32."""

from collections.abc import Callable
from typing import Literal

import keras
from keras import layers

from keras_mtl._checks import check_choice, check_integer
from keras_mtl._types import PathLike, Shape, Tensor
from keras_mtl.layers import CeilMaxPooling2D
from keras_mtl.towers._check_channels_last import check_channels_last
from keras_mtl.towers._check_input_shape import check_input_shape
from keras_mtl.towers._imagenet_pixels import imagenet_pixels
from keras_mtl.towers._layer_seeds import layer_seeds
from keras_mtl.weights import load_weights

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
"""Number of blocks of each stage, by the network's depth."""

BOTTLENECKS = (50,)
"""Depths of the networks whose blocks are bottlenecks."""

CHANNELS = (64, 128, 256, 512)

# Strides and dilations of the four stages.
DILATED = ((1, 2, 1, 1), (1, 1, 2, 4))
PLAIN = ((1, 2, 2, 2), (1, 1, 1, 1))


def ResNet(
    depth: Literal[18, 34, 50] = 34,
    input_shape: Shape = (224, 224, 3),
    weights: PathLike | None = None,
    *,
    dilated: bool = True,
    include_top: bool = False,
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    width: float = 1.0,
    seed: int | None = None,
    name: str | None = None,
) -> keras.Model:
    """Builds a ResNet: DeepLab's, whose last two stages dilate, or ImageNet's, whose stages stride.

    The stem is a 7×7 convolution of stride 2 and a 3×3 max pool of stride 2. Four stages of
    residual blocks follow, of 64, 128, 256 and 512 channels. If `dilated`, their strides are 1, 2,
    1, 1 and their dilations 1, 1, 2, 4, and the pool rounds its size up: a map has one cell for 8×8
    pixels. If not, the strides are 1, 2, 2, 2 without dilation, and the pool rounds down: one cell
    for 32×32 pixels. A block ends with ReLU(shortcut + residual). The residual is two 3×3
    convolutions; at depth 50 it is a bottleneck, 1×1, 3×3, and 1×1 to four times the channels.
    Stride and dilation are those of the (first) 3×3. Where a stage starts with other channels or
    another stride, the shortcut is a 1×1 convolution. Every convolution is followed by batch
    normalisation and has no bias. Pixels go in as RGB from 0 to 255; mean and deviation of ImageNet
    are taken off inside.

    Layers are named for those who take a block apart: the stem ends with `stem`, a block with
    `block2_1` (its ReLU), its residual with `block2_1_residual`, its projection, if it has one,
    with `block2_1_shortcut`. The classifier is `fc`, behind the mean over the map.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, table 1 for the
    blocks; Chen et al., "DeepLab", TPAMI 2018, for the dilation; the form is that of Sun et al.,
    "AdaShare", NeurIPS 2020. At depth 50 the 3×3 convolutions stride, as in common use. Trainable
    parameters: 11,176,512 at depth 18, 21,284,672 at 34, and 23,508,032 at 50; with a classifier
    of 1000 classes 11,689,512, 21,797,672 and 25,557,032.

    Args:
        depth: 18, 34 or 50.
        input_shape: `(height, width, 3)` in pixels; height and width may be unknown.
        weights: `None` (random), or the path or URL (as of `keras_mtl.weights.fetch`) of a file of
            weights: of Keras, or a `.pth`, `.pt` or `.safetensors` with torchvision's names, which
            fits both forms.
        dilated: whether the last two stages dilate instead of striding.
        include_top: whether to end with the mean over the map and the classifier `fc`.
        classes: number of classes of the classifier.
        classifier_activation: activation of the classifier; `None` for logits.
        width: factor on the number of channels of every layer.
        seed: integer seed of the weights, or `None`.
        name: name of the model; `resnet18`, say, if `None`.

    Returns:
        A functional `keras.Model` from (batch, height, width, 3) to (batch, rows, columns, 512 ×
        width), or 2048 × width at depth 50; with a classifier to (batch, classes).
        `keras_mtl.towers.Tower(model, stage_names(depth))` cuts it behind every block.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ImportError: a package is missing that reads the file.
        ValueError: another depth, an input of another shape, a `width` that is not positive,
            `classes` that are no positive integer, or weights that do not fit.

    Example:

    >>> import keras_mtl
    >>> from keras_mtl.towers.resnet import stage_names
    >>> net = keras_mtl.towers.ResNet(18, (96, 128, 3), width=0.125)
    >>> net.output_shape
    (None, 13, 17, 64)
    >>> keras_mtl.towers.Tower(net, stage_names(18)).stages[:3]
    ('stem', 'block1_1', 'block1_2')
    >>> keras_mtl.towers.ResNet(18, (96, 128, 3), dilated=False, width=0.125).output_shape
    (None, 3, 4, 64)
    """
    check_channels_last("ResNet")
    check_choice("depth", depth, BLOCKS)
    check_input_shape(input_shape, open_size=True)
    if not width > 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")
    classes = check_integer("classes", classes, 1)
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
    x = imagenet_pixels()(image)
    x = convolution(x, "stem_conv", 7, channels[0], strides=2)
    x = layers.ReLU(name="stem_relu")(normalization(x, "stem_bn"))
    if dilated:
        x = CeilMaxPooling2D(3, 2, padding=1, name="stem")(x)
    else:
        # Zeros behind a ReLU are no maximum but where all are 0.
        x = layers.ZeroPadding2D(1, name="stem_pad")(x)
        x = layers.MaxPooling2D(3, 2, name="stem")(x)
    stage_strides, dilations = DILATED if dilated else PLAIN
    for stage in range(4):
        for number in range(BLOCKS[depth][stage]):
            starts = number == 0
            strides = stage_strides[stage] if starts else 1
            x = block(
                x,
                f"block{stage + 1}_{number + 1}",
                _kernels(depth, channels[stage], strides, dilations[stage]),
                strides,
                # The stem's 64 channels are those of the first stage, unless it multiplies them.
                project=starts and (stage > 0 or depth in BOTTLENECKS),
            )
    if include_top:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dense(
            classes,
            activation=classifier_activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
            name="fc",
        )(x)
    model = keras.Model(image, x, name=name or f"resnet{depth}")
    if weights is not None:
        load_weights(model, weights, torch_names=_torch_names(depth))
    return model


def stage_names(depth):
    """Names of the layers at which a `ResNet` is cut: its stem and every block, in order.

    Args:
        depth: 18, 34 or 50.

    Returns:
        A tuple of 9 names, or of 17 at depths 34 and 50.

    Raises:
        ValueError: another depth.

    Example:

    >>> stage_names(18)[:4]
    ('stem', 'block1_1', 'block1_2', 'block2_1')
    """
    check_choice("depth", depth, BLOCKS)
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
    check_choice("depth", depth, BLOCKS)
    return tuple(f"block{stage}_{count}" for stage, count in enumerate(BLOCKS[depth], 1))


def _torch_names(depth):
    """What torchvision calls the layers."""
    convolutions = 3 if depth in BOTTLENECKS else 2
    names = {"stem_conv": "conv1", "stem_bn": "bn1", "fc": "fc"}
    for stage, count in enumerate(BLOCKS[depth], 1):
        for number in range(count):
            ours, theirs = f"block{stage}_{number + 1}", f"layer{stage}.{number}"
            for place in range(1, convolutions + 1):
                last = place == convolutions
                names[f"{ours}_conv{place}"] = f"{theirs}.conv{place}"
                names[f"{ours}_{'residual' if last else f'bn{place}'}"] = f"{theirs}.bn{place}"
            names[f"{ours}_shortcut_conv"] = f"{theirs}.downsample.0"
            names[f"{ours}_shortcut"] = f"{theirs}.downsample.1"
    return names


def _kernels(depth, channels, strides, dilation):
    """Of a block's convolutions: window, filters, strides and dilation."""
    if depth in BOTTLENECKS:
        return [(1, channels), (3, channels, strides, dilation), (1, 4 * channels)]
    return [(3, channels, strides, dilation), (3, channels, 1, dilation)]
