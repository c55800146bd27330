"""LeNet in the form of the Multi-MNIST and Multi-Fashion benchmarks."""

from collections.abc import Callable

import keras
from keras import layers

from keras_mtl._types import PathLike, Shape, Tensor
from keras_mtl.towers._check_channels_last import check_channels_last
from keras_mtl.towers._check_input_shape import check_input_shape
from keras_mtl.weights import load_weights

STAGES = ("conv1", "pool1", "conv2", "pool2", "fc3")
"""The layers at which LeNet is cut; stitches stand behind the pools and fc3."""

WINDOW = 5
MINIMUM_SIZE = 16


def LeNet(
    include_top: bool = True,
    weights: PathLike | None = None,
    input_tensor: keras.KerasTensor | None = None,
    input_shape: Shape | None = None,
    classes: int = 10,
    classifier_activation: str | Callable[[Tensor], Tensor] | None = "softmax",
    *,
    seed: int | None = None,
    name: str = "lenet",
) -> keras.Model:
    """Builds a LeNet; arguments as in `keras.applications`.

    conv1 10@5×5, max pool 2, conv2 20@5×5, max pool 2, fc3 of 50 units, each with a ReLU, and the
    classifier fc4. Pixels go in from 0 to 255; they are divided by 255 inside.

    Source: the network that Sener & Koltun, "Multi-Task Learning as Multi-Objective Optimization",
    NeurIPS 2018, share between their tasks (layers and widths as in their public code; 21,840
    parameters at 28×28 with one classifier). Choices of ours: no dropout (theirs drops half of
    conv2's channels in training; Lin et al., NeurIPS 2019, drop nothing), a classifier right
    behind fc3 (as Lin et al.; theirs has 50 units more before it), He-normal weights, division
    by 255 instead of MNIST's mean and deviation. Lin et al. have a conv1 of 9×9.

    Args:
        include_top: whether to end with the classifier. Without it the network ends with the 50
            features of fc3, from which heads start.
        weights: `None` (random), or the path or URL (as of `keras_mtl.weights.fetch`) of a file of
            weights of Keras.
        input_tensor: a Keras tensor to build on, instead of `input_shape`.
        input_shape: `(height, width, channels)`, sizes in pixels; `(28, 28, 1)` if `None`.
        classes: number of classes of the classifier.
        classifier_activation: activation of the classifier.
        seed: integer seed of the weights, or `None`.
        name: name of the model.

    Returns:
        A functional `keras.Model` from (batch, height, width, channels) to (batch, classes), or to
        (batch, 50) without the top; `keras_mtl.towers.Tower(model, STAGES)` cuts it.

    Raises:
        FileNotFoundError: there is no file `weights`.
        ValueError: an input too small for the network (the message says the minimum) or without
            three known dimensions.

    Example:

    >>> import keras_mtl
    >>> from keras_mtl.towers.lenet import STAGES
    >>> net = keras_mtl.towers.LeNet(include_top=False, input_shape=(36, 36, 1))
    >>> keras_mtl.towers.Tower(net, STAGES).stages
    ('conv1', 'pool1', 'conv2', 'pool2', 'fc3')
    """
    check_channels_last("LeNet")
    shape = (input_shape or (28, 28, 1)) if input_tensor is None else input_tensor.shape[1:]
    check_input_shape(shape, MINIMUM_SIZE, "pool2", channels=None)
    image = layers.Input(shape) if input_tensor is None else input_tensor

    def initializer(layer):
        # Another seed a layer: with one seed for all, equal draws would stand in several of them.
        return keras.initializers.HeNormal(seed=None if seed is None else 10 * seed + layer)

    x = layers.Rescaling(1 / 255, name="preprocess")(image)
    for number, filters in ((1, 10), (2, 20)):
        x = layers.Conv2D(
            filters,
            WINDOW,
            activation="relu",
            kernel_initializer=initializer(number),
            name=f"conv{number}",
        )(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(50, activation="relu", kernel_initializer=initializer(3), name="fc3")(x)
    if include_top:
        x = layers.Dense(
            classes,
            activation=classifier_activation,
            kernel_initializer=initializer(4),
            name="fc4",
        )(x)

    inputs = image if input_tensor is None else keras.utils.get_source_inputs(input_tensor)
    model = keras.Model(inputs, x, name=name)
    if weights is not None:
        load_weights(model, weights)
    return model
