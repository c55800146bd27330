"""What only each backend itself can do: its gradients, and the steps of its training."""

import importlib

import keras


def of_backend():
    """The module of the backend that runs: `vjp` and `train_step`."""
    return importlib.import_module(f"keras_mtl.gradients._{keras.backend.backend()}")
