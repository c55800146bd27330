"""Heads of a seed, and what of them decides what a network becomes."""

import keras

from keras_mtl.study._digest import digest_of_arrays
from keras_mtl.study._fresh_weights import fresh_weights, is_untrained
from keras_mtl.task.heads import config_of_head, made_head


def head_of_seed(head, seed):
    """The head of a task; a network that has weights, but has not been trained, with new ones."""
    made = made_head(head, seed)
    return fresh_weights(made, seed) if made is head and _is_drawn(head) else made


def described_head(head):
    """Its configuration, and its weights where all seeds start from them."""
    config = config_of_head(head)
    if not isinstance(head, keras.layers.Layer) or not head.weights or _is_drawn(head):
        return config
    return [config, digest_of_arrays(head.get_weights())]


def _is_drawn(head):
    return isinstance(head, keras.Model) and head.built and is_untrained(head) is not False
