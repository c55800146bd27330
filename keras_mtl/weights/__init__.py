"""Checkpoints of other frameworks, read into arrays and into Keras models."""

from keras_mtl.weights.fetch import fetch
from keras_mtl.weights.is_foreign import is_foreign
from keras_mtl.weights.load_weights import load_weights
from keras_mtl.weights.read_caffemodel import read_caffemodel
from keras_mtl.weights.read_safetensors import read_safetensors
from keras_mtl.weights.read_torch import read_torch

__all__ = [
    "fetch",
    "is_foreign",
    "load_weights",
    "read_caffemodel",
    "read_safetensors",
    "read_torch",
]
