"""Heads that are given as layers, or as functions of a seed that make them."""

from typing import Any

import keras

from keras_mtl._types import Config


def check_head(argument: str, head: Any) -> None:
    """Raises a `TypeError` unless it is a layer, or a function, which may be one that makes it."""
    if isinstance(head, type) or not callable(head):  # A layer is callable, too.
        raise TypeError(
            f"`{argument}` must be a Keras layer, or a function of a seed. Received: {head!r}."
        )


def made_head(head: Any, seed: int) -> keras.layers.Layer:
    """The head, or a new one if it is made by a function of a seed."""
    return head if isinstance(head, keras.layers.Layer) else head(seed)


def config_of_head(head: Any) -> Config:
    """The configuration of a head, or of one that a function of a seed makes."""
    return keras.saving.serialize_keras_object(made_head(head, 0))
