"""Kernels, and the state of their optimizer, as they are read."""

import keras

from keras_mtl.speed._backend import torch_kernels
from keras_mtl.speed.speed_up import sped_up_layers


def lay_out_kernels(model: keras.Model) -> None:
    """Has the kernels of sped-up layers lie in memory as PyTorch reads them, for training.

    Shapes and numbers stay as they are. What the model's optimizer keeps of a kernel has to lie as
    that does, so all stays as it is with an optimizer that is built already.
    """
    kernels, optimizer = torch_kernels("_torch"), model.optimizer
    if kernels is None or optimizer is None or optimizer.built:
        return
    layers = sped_up_layers(model)
    for each in _with_inner(optimizer) if layers else ():
        kernels.keep_order(each)
    for layer in layers:
        kernels.lay_out(layer)


def _with_inner(optimizer):
    """An optimizer and those that it wraps."""
    yield optimizer
    for part in list(vars(optimizer).values()):
        for inner in part if isinstance(part, (list, tuple)) else [part]:
            if isinstance(inner, keras.optimizers.Optimizer):
                yield from _with_inner(inner)
