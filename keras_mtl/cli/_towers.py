"""Networks by the names that people know."""

import inspect
import sys

import keras
from keras import layers

from keras_mtl.cli._errors import UsageError
from keras_mtl_command import did_you_mean

SMALL = "small"
WIDTHS = (24, 48, 96, 96)
"""Channels of the stages of the small network; the first three halve the picture."""


def known_towers():
    """Names of all networks, the small one first."""
    return [SMALL, *(name for name, _ in _applications())]


def tower_of(name, size, weights=None, pooled=False):
    """A network from a picture of pixels from 0 to 255 to features.

    Args:
        name: `"small"`, or that of a function of `keras.applications`.
        size: (height, width) in pixels.
        weights: `None`, `"imagenet"`, or the path of a file of Keras' weights.
        pooled: whether features are of the picture, and not of its places, which maps need.

    Raises:
        UsageError: there is no such network, or it does not take that size.
    """
    picture = keras.Input((*size, 3), name="picture")
    if name.lower() == SMALL:
        if weights is not None:
            raise UsageError(f"--weights goes with a network of Keras, not with --tower {SMALL}")
        return _pooled(_small(picture), pooled)
    makers = {each.lower(): maker for each, maker in _applications()}
    if name.lower() not in makers:
        hint = did_you_mean(name, known_towers(), f"there are {', '.join(known_towers())}")
        raise UsageError(f"there is no network {name}: {hint}")
    maker = makers[name.lower()]
    # What a network takes for pixels stands in its module, or within it.
    pixels = sys.modules[maker.__module__].preprocess_input(picture)
    try:
        made = maker(input_tensor=pixels, include_top=False, weights=weights)
    except (ValueError, TypeError) as error:
        raise UsageError(f"--tower {name} cannot be made: {error}") from error
    return _pooled(made, pooled)


def _pooled(model, pooled):
    if not pooled:
        return model
    mean = layers.GlobalAveragePooling2D(name="pooled")(model.output)
    return keras.Model(model.input, mean, name=model.name)


def _small(picture):
    x = layers.Rescaling(1 / 127.5, -1.0, name="scaled")(picture)
    for number, width in enumerate(WIDTHS, start=1):
        strides = 2 if number < len(WIDTHS) else 1
        for part in ("a", "b"):
            conv = layers.Conv2D(
                width,
                3,
                strides=strides if part == "a" else 1,
                padding="same",
                use_bias=False,
                name=f"conv{number}{part}",
            )
            x = layers.BatchNormalization(name=f"norm{number}{part}")(conv(x))
            x = layers.ReLU(name=f"relu{number}{part}")(x)
    return keras.Model(picture, x, name=SMALL)


def _applications():
    """The functions of `keras.applications` that make networks, with their names."""
    for name, each in vars(keras.applications).items():
        if inspect.isfunction(each) and name[0].isupper():
            yield name, each
