"""The thin VGG-16, on which networks for the attributes of faces were branched."""

import keras
from keras import layers

from keras_mtl._checks import check_integer
from keras_mtl._types import Shape
from keras_mtl.towers._check_channels_last import check_channels_last
from keras_mtl.towers._check_input_shape import check_input_shape
from keras_mtl.towers._imagenet_pixels import CAFFE_MEAN_RGB
from keras_mtl.towers._layer_seeds import layer_seeds

STAGES = (
    *("conv1_1", "pool1", "conv2_1", "pool2"),
    *("conv3_1", "conv3_2", "pool3", "conv4_1", "conv4_2", "pool4", "conv5_1", "conv5_2", "pool5"),
    *("fc6", "fc7"),
)
"""The layers at which it is cut, one behind each of the 15 layers with weights and its pool."""

CONVOLUTIONS = (2, 2, 3, 3, 3)
MINIMUM_SIZE = 32


def ThinVGG16(
    input_shape: Shape = (224, 224, 3),
    *,
    width: int = 64,
    fc_width: int | None = None,
    rescale: float = 1 / 64,
    dropout: float = 0.5,
    seed: int | None = None,
    name: str = "thin_vgg16",
) -> keras.Model:
    """Builds a VGG-16 of few channels, the same number in all layers, without a classifier.

    Groups of 2, 2, 3, 3 and 3 convolutions, 3×3 with zeros around, each group followed by a 2×2 max
    pool; then the fully connected fc6 and fc7. Each of these 15 layers has a bias, and batch
    normalisation and ReLU behind it. Pixels go in as RGB from 0 to 255; mean and deviation are
    taken off inside.

    Source: Lu et al., "Fully-Adaptive Feature Sharing in Multi-Task Networks", CVPR 2017, as used
    by Vandenhende et al., "Branched Multi-Task Networks", BMVC 2020, for the 40 attributes of
    CelebA: 870,312 trainable parameters with a logit for each, 34,611,240 in forty such networks of
    one attribute. Ours are the He-normal weights and the scale of the pixels.

    Args:
        input_shape: `(height, width, 3)` in pixels.
        width: number of channels of every convolution.
        fc_width: number of units of fc6 and of fc7; twice `width` if `None`.
        rescale: factor on the pixels after the mean is taken off.
        dropout: rate after fc6.
        seed: integer seed of weights and dropout, or `None`.
        name: name of the model.

    Returns:
        A functional `keras.Model` from (batch, height, width, 3) to (batch, `fc_width`), which
        `keras_mtl.towers.Tower(model, STAGES)` cuts.

    Raises:
        ValueError: an input of another shape, of unknown size or of less than 32 pixels a side; a
            `width` or `fc_width` that is no positive integer.

    Example:

    >>> import keras_mtl
    >>> from keras_mtl.towers.thin_vgg16 import STAGES
    >>> net = keras_mtl.towers.ThinVGG16((64, 64, 3), width=4)
    >>> keras_mtl.towers.Tower(net, STAGES).stages[-3:]
    ('pool5', 'fc6', 'fc7')
    >>> net.output_shape
    (None, 8)
    """
    check_channels_last("ThinVGG16")
    check_input_shape(input_shape, MINIMUM_SIZE, "pool5")
    width = check_integer("width", width, 1)
    fc_width = 2 * width if fc_width is None else check_integer("fc_width", fc_width, 1)
    seeds = layer_seeds(seed)

    def initializer():
        return keras.initializers.HeNormal(seed=next(seeds))

    def activation(x, name):
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"{name}_bn")(x)
        return layers.ReLU(name=name)(x)

    def convolution(x, name):
        x = layers.Conv2D(
            width, 3, padding="same", kernel_initializer=initializer(), name=f"{name}_conv"
        )(x)
        return activation(x, name)

    def dense(x, name):
        x = layers.Dense(fc_width, kernel_initializer=initializer(), name=f"{name}_dense")(x)
        return activation(x, name)

    image = layers.Input(input_shape)
    x = layers.Rescaling(rescale, [-rescale * mean for mean in CAFFE_MEAN_RGB], name="preprocess")(
        image
    )
    for group, count in enumerate(CONVOLUTIONS, 1):
        for number in range(1, count + 1):
            x = convolution(x, f"conv{group}_{number}")
        x = layers.MaxPooling2D(2, name=f"pool{group}")(x)
    x = dense(layers.Flatten(name="flatten")(x), "fc6")
    x = layers.Dropout(dropout, seed=seed, name="drop6")(x)
    x = dense(x, "fc7")  # behind the last features the head drops
    return keras.Model(image, x, name=name)
