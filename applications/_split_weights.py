"""Whose weights a file has: the tower's, or the whole model's."""

from keras_mtl.weights import is_foreign


def split_weights(weights):
    """The path, or `None`, as `(weights of the tower, weights of the model)`: one is `None`."""
    return (weights, None) if is_foreign(weights) else (None, weights)
