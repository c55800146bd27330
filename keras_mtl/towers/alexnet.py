"""AlexNet in the form whose weights are published for PyTorch."""

from collections.abc import Callable
from typing import Literal

import keras
from keras import layers

from keras_mtl._types import PathLike, Shape, Tensor
from keras_mtl.towers._check_channels_last import check_channels_last
from keras_mtl.towers._check_input_shape import check_input_shape
from keras_mtl.towers._global_pooling import global_pooling
from keras_mtl.towers._imagenet_pixels import imagenet_pixels
from keras_mtl.towers._layer_seeds import layer_seeds
from keras_mtl.weights import load_weights

STAGES = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5", "fc6", "fc7")
"""The layers at which AlexNet is cut: where tasks may part, and where units may stand."""

TORCH_NAMES = {
    **{f"conv{number}": f"features.{place}" for number, place in enumerate((0, 3, 6, 8, 10), 1)},
    **{f"fc{number}": f"classifier.{place}" for number, place in enumerate((1, 4, 6), 6)},
}
"""What torchvision calls the layers."""

FC6_WINDOW = 6
MINIMUM_SIZE = 63


def AlexNet(
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
    dropout: float = 0.5,
    seed: int | None = None,
    name: str = "alexnet",
) -> keras.Model:
    """Builds AlexNet as PyTorch's torchvision has it; arguments as in `keras.applications`.

    Five convolutions of 64, 192, 384, 256 and 256 channels, without groups or normalisation, 3×3
    max pools of stride 2 that round their size down, the mean of the last map in 6×6 windows, and
    three fully connected layers. Pixels go in as RGB from 0 to 255; mean and deviation of ImageNet
    are taken off inside. The AlexNet of Caffe is `CaffeNet`.

    Source: Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014,
    in torchvision's form (61,100,840 parameters).

    Args:
        include_top: whether to end with the classifier fc8. Without it the network ends with pool5.
        weights: `None` (random), or the path or URL (as of `keras_mtl.weights.fetch`) of a file of
            weights: of Keras, or a `.pth`, `.pt` or `.safetensors` with torchvision's names.
        input_tensor: a Keras tensor to build on, instead of `input_shape`.
        input_shape: `(height, width, 3)` in pixels, 63 or more a side; `(224, 224, 3)` if `None`.
            Without the classifier height and width may be unknown, `(None, None, 3)`.
        pooling: without the classifier, `"avg"` or `"max"` ends with the mean or maximum over the
            map; `None` with the map.
        classes: number of classes of the classifier.
        classifier_activation: activation of the classifier.
        width: factor on the number of channels of every layer but the classifier.
        fc_width: the factor for fc6 and fc7, which hold most of the weights; `width` if `None`.
        dropout: rate before fc6 and fc7.
        seed: integer seed of weights and dropout, or `None`.
        name: name of the model.

    Returns:
        A functional `keras.Model`, which `keras_mtl.towers.Tower(model, STAGES)` cuts.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ImportError: a package is missing that reads the file.
        ValueError: an input too small for the network, or of a size that is unknown and must not
            be; a `width` or `fc_width` that is not positive; weights that do not fit.

    Example:

    >>> import keras_mtl
    >>> net = keras_mtl.towers.AlexNet(include_top=False, input_shape=(96, 96, 3), width=0.25)
    >>> net.output_shape
    (None, 2, 2, 64)
    """
    check_channels_last("AlexNet")
    shape = (input_shape or (224, 224, 3)) if input_tensor is None else input_tensor.shape[1:]
    check_input_shape(shape, MINIMUM_SIZE, "pool5", open_size=not include_top)
    image = layers.Input(shape) if input_tensor is None else input_tensor
    fc_width = width if fc_width is None else fc_width
    for argument, factor in (("width", width), ("fc_width", fc_width)):
        if not factor > 0:
            raise ValueError(f"`{argument}` must be positive. Received: {argument}={factor}.")
    seeds = layer_seeds(seed, layers=10)

    def convolution(x, number, filters, window, **options):
        return layers.Conv2D(
            max(1, round(filters * width)),
            window,
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
            name=f"conv{number}",
            **options,
        )(x)

    def pool(x, number):
        return layers.MaxPooling2D(3, 2, name=f"pool{number}")(x)

    x = layers.ZeroPadding2D(2, name="pad1")(imagenet_pixels()(image))
    x = pool(convolution(x, 1, 64, 11, strides=4), 1)
    x = pool(convolution(x, 2, 192, 5, padding="same"), 2)
    x = convolution(x, 3, 384, 3, padding="same")
    x = convolution(x, 4, 256, 3, padding="same")
    x = pool(convolution(x, 5, 256, 3, padding="same"), 5)
    if include_top:
        x = layers.AdaptiveAveragePooling2D(FC6_WINDOW, name="average")(x)
        x = layers.Flatten(name="flatten")(x)
        for place, number in enumerate((6, 7)):
            dropout_seed = None if seed is None else seed + place
            x = layers.Dropout(dropout, seed=dropout_seed, name=f"drop{number}")(x)
            x = layers.Dense(
                max(1, round(4096 * fc_width)),
                activation="relu",
                kernel_initializer=keras.initializers.HeNormal(seed=next(seeds)),
                name=f"fc{number}",
            )(x)
        x = layers.Dense(
            classes,
            activation=classifier_activation,
            kernel_initializer=keras.initializers.GlorotUniform(seed=next(seeds)),
            name="fc8",
        )(x)
    else:
        x = global_pooling(x, pooling)

    inputs = image if input_tensor is None else keras.utils.get_source_inputs(input_tensor)
    model = keras.Model(inputs, x, name=name)
    if weights is not None:
        flattened = {"fc6": (FC6_WINDOW, FC6_WINDOW)}
        load_weights(model, weights, torch_names=TORCH_NAMES, flattened=flattened)
    return model
