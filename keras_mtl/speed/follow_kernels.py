"""Optimizers whose state lies in memory as the kernels do."""

import keras

from keras_mtl.speed._backend import by_torch


def follow_kernels(optimizer: keras.optimizers.Optimizer) -> None:
    """Has an optimizer that is yet to be built keep its state as a fast network's kernels lie.

    On PyTorch an update of numbers in two orders at once takes several times as long.
    """
    spelling = by_torch("_torch")
    if spelling is None or optimizer.built:
        return
    for part in list(vars(optimizer).values()):
        for inner in part if isinstance(part, (list, tuple)) else [part]:
            if isinstance(inner, keras.optimizers.Optimizer):
                follow_kernels(inner)
    build = optimizer.build

    def build_in_order(variables):
        build(variables)
        spelling.lay_out_state(optimizer, variables)

    optimizer.build = build_in_order
