"""Logarithms of losses, and shares by logarithms."""

from keras import ops

from keras_mtl._types import Tensor

SMALLEST = 1e-30
"""Of a loss: below, float32 loses digits, and some processors round to zero."""


def logs(losses: Tensor, known: Tensor) -> Tensor:
    """The logarithms (T,) of losses; 0 of tasks without a say."""
    return ops.log(ops.where(known, ops.maximum(losses, SMALLEST), 1.0))


def shares(logits: Tensor, known: Tensor | None = None) -> Tensor:
    """The softmax (T,), over the tasks that have a say; finite of the others."""
    if known is not None:
        logits = ops.where(known, logits, -1e38)
    # That of Keras warns if there is one task.
    powers = ops.exp(logits - ops.max(logits))
    return powers / ops.sum(powers)
