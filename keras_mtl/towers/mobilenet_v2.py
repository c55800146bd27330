"""MobileNetV2 as PyTorch's weights of it expect: a light backbone for stitching."""

from collections.abc import Callable

import keras
from keras import layers

from keras_mtl._checks import check_integer
from keras_mtl._types import PathLike, Shape, Tensor
from keras_mtl.towers._check_channels_last import check_channels_last
from keras_mtl.towers._check_input_shape import check_input_shape
from keras_mtl.towers._imagenet_pixels import imagenet_pixels
from keras_mtl.towers._layer_seeds import layer_seeds
from keras_mtl.weights import load_weights

GROUPS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Of the blocks: expansion, channels, number of blocks, strides of the first of them."""

STEM = 32
LAST = 1280

STAGES = ("stem", *(f"block{number}" for number in range(1, 18)), "last")
"""The layers at which it is cut: the stem, every block and the last convolution."""


def MobileNetV2(
    include_top: bool = True,
    weights: PathLike | None = None,
    input_shape: Shape = (224, 224, 3),
    classes: int = 1000,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    *,
    alpha: float = 1.0,
    dropout: float = 0.2,
    seed: int | None = None,
    name: str = "mobilenet_v2",
) -> keras.Model:
    """Builds MobileNetV2 in the geometry of PyTorch's torchvision.

    The stem is a 3×3 convolution of stride 2 to 32 channels. Seventeen blocks follow: a 1×1
    convolution to six times the channels (not in the first block), a 3×3 convolution of every
    channel by itself, which has the stride, and a 1×1 convolution to the block's channels, without
    activation. Where a block keeps size and channels, what came in is added. A 1×1 convolution to
    1280 channels ends the features, of one cell for 32×32 pixels; the classifier is `classifier`,
    behind the mean over the map and dropout. Every convolution is followed by batch normalisation
    and has no bias; activations are ReLU6. Pixels go in as RGB from 0 to 255; mean and deviation of
    ImageNet are taken off inside.

    `keras.applications.MobileNetV2` differs: it pads strided convolutions behind the last pixel
    only, normalises with another epsilon, and takes pixels from -1 to 1.

    Layers are named for those who take a block apart: a block ends with `block3`; where it adds,
    its residual ends with `block3_residual`.

    Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018,
    table 2: 3,504,872 trainable parameters with 1000 classes.

    Args:
        include_top: whether to end with the classifier; without it the network ends with the map
            of `last`.
        weights: `None` (random), or the path or URL (as of `keras_mtl.weights.fetch`) of a file of
            weights: of Keras, or a `.pth`, `.pt` or `.safetensors` with torchvision's names.
        input_shape: `(height, width, 3)` in pixels; height and width may be unknown.
        classes: number of classes of the classifier.
        classifier_activation: activation of the classifier; `None` for logits.
        alpha: factor on the number of channels of every layer, which is rounded to multiples of 8.
            The last convolution keeps its 1280 channels below 1.
        dropout: rate before the classifier.
        seed: integer seed of weights and dropout, or `None`.
        name: name of the model.

    Returns:
        A functional `keras.Model` from (batch, height, width, 3) to (batch, classes); without the
        classifier to (batch, rows, columns, 1280). `keras_mtl.towers.Tower(model, STAGES)` cuts it
        behind every block.

    Raises:
        FileNotFoundError: there is no file of weights.
        ImportError: a package is missing that reads the file.
        ValueError: an input of another shape, an `alpha` that is not positive, `classes` that are
            no positive integer, or a file of weights that does not fit.

    Example:

    >>> import keras_mtl
    >>> from keras_mtl.towers.mobilenet_v2 import STAGES
    >>> net = keras_mtl.towers.MobileNetV2(False, input_shape=(96, 64, 3), alpha=0.25)
    >>> net.output_shape
    (None, 3, 2, 1280)
    >>> keras_mtl.towers.Tower(net, STAGES).stages[:3]
    ('stem', 'block1', 'block2')
    """
    check_channels_last("MobileNetV2")
    check_input_shape(input_shape, open_size=True)
    if not alpha > 0:
        raise ValueError(f"`alpha` must be positive. Received: alpha={alpha}.")
    classes = check_integer("classes", classes, 1)
    seeds = layer_seeds(seed)

    def initializer():
        return keras.initializers.VarianceScaling(
            2.0, "fan_out", "untruncated_normal", seed=next(seeds)
        )

    def convolution(x, name, filters, window=1, strides=1):
        """Without `filters` of every channel by itself."""
        if strides > 1:
            # Keras' "same" pads even sizes behind their last pixel only, when it strides.
            x = layers.ZeroPadding2D(window // 2, name=f"{name}_pad")(x)
        options = {
            "strides": strides,
            "padding": "valid" if strides > 1 else "same",
            "use_bias": False,
            "name": name,
        }
        if filters is None:
            depthwise = layers.DepthwiseConv2D(
                window, depthwise_initializer=initializer(), **options
            )
            return depthwise(x)
        return layers.Conv2D(filters, window, kernel_initializer=initializer(), **options)(x)

    def normalization(x, name):
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=name)(x)

    def activated(x, name, filters, window=1, strides=1):
        x = convolution(x, f"{name}_conv", filters, window, strides)
        return layers.ReLU(6.0, name=name)(normalization(x, f"{name}_bn"))

    def block(x, name, expansion, filters, strides):
        shortcut, channels = x, x.shape[-1]
        if expansion > 1:
            x = activated(x, f"{name}_expand", expansion * channels)
        x = activated(x, f"{name}_depthwise", None, 3, strides)
        x = convolution(x, f"{name}_project_conv", filters)
        if strides > 1 or filters != channels:
            return normalization(x, name)
        return layers.Add(name=name)([shortcut, normalization(x, f"{name}_residual")])

    image = layers.Input(input_shape)
    x = imagenet_pixels()(image)
    x = activated(x, "stem", _channels(STEM * alpha), 3, 2)
    number = 0
    for expansion, channels, count, first in GROUPS:
        for repeat in range(count):
            number += 1
            strides = first if repeat == 0 else 1
            x = block(x, f"block{number}", expansion, _channels(channels * alpha), strides)
    x = activated(x, "last", _channels(LAST * max(1.0, alpha)))
    if include_top:
        x = layers.GlobalAveragePooling2D(name="pool")(x)
        x = layers.Dropout(dropout, seed=next(seeds), name="drop")(x)
        x = layers.Dense(
            classes,
            activation=classifier_activation,
            kernel_initializer=keras.initializers.RandomNormal(stddev=0.01, seed=next(seeds)),
            name="classifier",
        )(x)
    model = keras.Model(image, x, name=name)
    if weights is not None:
        load_weights(model, weights, torch_names=_torch_names())
    return model


def _channels(count):
    """The nearest multiple of 8, or the next one if that loses more than a tenth."""
    rounded = max(8, int(count + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * count else rounded + 8


def _torch_names():
    """What torchvision calls the layers."""
    names = {"stem_conv": "features.0.0", "stem_bn": "features.0.1"}
    for number in range(1, 18):
        block = f"block{number}"
        parts = ("depthwise",) if number == 1 else ("expand", "depthwise")
        for place, part in enumerate(parts):
            prefix = f"features.{number}.conv.{place}"
            names |= {f"{block}_{part}_conv": f"{prefix}.0", f"{block}_{part}_bn": f"{prefix}.1"}
        prefix = f"features.{number}.conv"
        names[f"{block}_project_conv"] = f"{prefix}.{len(parts)}"
        # The last normalisation ends the block, or the residual of a block that adds.
        names[f"{block}_residual"] = names[block] = f"{prefix}.{len(parts) + 1}"
    last = {"last_conv": "features.18.0", "last_bn": "features.18.1", "classifier": "classifier.1"}
    return names | last
