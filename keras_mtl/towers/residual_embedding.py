"""The network on which the modulation module was tried: an image becomes a point on a sphere."""

import keras
from keras import layers

from keras_mtl._checks import check_integer
from keras_mtl._types import Shape
from keras_mtl.layers import L2Normalization
from keras_mtl.towers._check_channels_last import check_channels_last
from keras_mtl.towers._check_input_shape import check_input_shape
from keras_mtl.towers._layer_seeds import layer_seeds

STAGES = ("conv1", "block1", "block2", "block3", "block4", "embedding", "unit_embedding")
"""The layers at which it is cut."""

STEM = 32
CHANNELS = (64, 128, 128, 128)
MINIMUM_SIZE = 48


def ResidualEmbedding(
    input_shape: Shape = (150, 150, 3),
    *,
    width: float = 1.0,
    size: int = 256,
    seed: int | None = None,
    name: str = "residual_embedding",
) -> keras.Model:
    """Builds a small residual network that makes of an image a vector of length one.

    A 3×3 convolution of 32 channels, `conv1`; four blocks of 64, 128, 128 and 128 channels, each a
    3×3 convolution, a 2×2 max pool and a residual of two 3×3 convolutions; a fully connected layer,
    `embedding`; and its L2 normalisation, `unit_embedding`. Convolutions are without padding, those
    of the residuals with zeros around. Behind every layer with weights, which has no bias, come
    batch normalisation (with offsets, but no factors) and ReLU. Pixels go in as RGB from 0 to 255
    and are brought to -1 to 1 inside.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018, and the authors' program: 2,953,664 trainable parameters. Where their
    description is silent (the order of ReLU and sum in a residual, the first weights) it is ours.

    Args:
        input_shape: `(height, width, 3)` in pixels, 48 or more a side.
        width: factor on the number of channels of every convolution.
        size: length of the embedding.
        seed: integer seed of the weights, or `None`.
        name: name of the model.

    Returns:
        A functional `keras.Model` from (batch, height, width, 3) to (batch, `size`), which
        `keras_mtl.towers.Tower(model, STAGES)` cuts.

    Raises:
        ValueError: an input of another shape, of unknown size or of less than 48 pixels a side; a
            `width` that is not positive, or a `size` that is no positive integer.

    Example:

    >>> import keras_mtl
    >>> net = keras_mtl.towers.ResidualEmbedding((48, 48, 3), width=0.125, size=16)
    >>> net.output_shape
    (None, 16)
    """
    check_channels_last("ResidualEmbedding")
    check_input_shape(input_shape, MINIMUM_SIZE, "block4")
    if not width > 0:
        raise ValueError(f"`width` must be positive. Received: width={width}.")
    size = check_integer("size", size, 1)
    seeds = layer_seeds(seed)

    def initializer():
        return keras.initializers.HeNormal(seed=next(seeds))

    def activation(x, name):
        x = layers.BatchNormalization(momentum=0.9, scale=False, name=f"{name}_bn")(x)
        return layers.ReLU(name=name)(x)

    def convolution(x, name, channels, padding):
        x = layers.Conv2D(
            channels,
            3,
            padding=padding,
            use_bias=False,
            kernel_initializer=initializer(),
            name=f"{name}_conv",
        )(x)
        return activation(x, name)

    def block(x, name, channels):
        x = convolution(x, f"{name}_in", channels, "valid")
        x = layers.MaxPooling2D(2, name=f"{name}_pool")(x)
        residual = convolution(x, f"{name}_residual1", channels, "same")
        residual = convolution(residual, f"{name}_residual2", channels, "same")
        return layers.Add(name=name)([x, residual])

    image = layers.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, -1, name="preprocess")(image)
    x = convolution(x, "conv1", max(1, round(STEM * width)), "valid")
    for number, channels in enumerate(CHANNELS, 1):
        x = block(x, f"block{number}", max(1, round(channels * width)))
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(
        size, use_bias=False, kernel_initializer=initializer(), name="embedding_dense"
    )(x)
    x = L2Normalization(name="unit_embedding")(activation(x, "embedding"))
    return keras.Model(image, x, name=name)
