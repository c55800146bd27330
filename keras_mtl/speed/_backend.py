"""What computes: asked here alone."""

import importlib
import types

import keras
from keras import ops


def on_the_cpu():
    """Whether Keras computes on the CPU now."""
    try:
        return keras.distribution.list_devices()[0].startswith("cpu")
    except AttributeError:
        # Keras 3.15 has no list of devices on PyTorch: ask where a new tensor goes. The answer
        # is not kept, since it is "meta" while a functional model is built.
        return str(ops.convert_to_tensor(0.0).device).startswith("cpu")


def backend():
    """Name of what computes."""
    return keras.backend.backend()


def torch_kernels(module: str) -> types.ModuleType | None:
    """A module of this folder with PyTorch's own kernels, if it computes on the CPU, or `None`."""
    if backend() != "torch" or not on_the_cpu():
        return None
    return importlib.import_module(f"keras_mtl.speed.{module}")
