"""The gradients of the tasks, each changed by that of one other after the other."""

import keras
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._quadratic import product
from keras_mtl.balancing.balancing import Seen


def in_pairs(
    seen: Seen, seeds: keras.random.SeedGenerator, targets: Tensor
) -> tuple[Tensor, Tensor]:
    """Adds to each gradient of each other one what makes their cosine at least what it should be.

    Each task meets the others in an order of its own, which is drawn, with its gradient as it is by
    then. All tasks go through their first other at once, then through their second one, and so on.

    Args:
        seen: of a step, with T tasks.
        seeds: of the draws.
        targets: tensor (T, T), below 1: the least cosine of each task (row) with each other.

    Returns:
        A pair: tensor (T,) of the weights, by which the gradients are added to the sum of what has
        become of all, and (T, T) of the cosines as they were when two met.
    """
    count = seen.losses.shape[0]
    others = seen.mask * seen.mask[:, None] * (1 - ops.eye(count, dtype="float32"))
    order = ops.argsort(keras.random.uniform((count, count), seed=seeds), axis=1)
    numbers = ops.arange(count, dtype="int32")

    def meet(place, state):
        # Rows of `mixed`: what a gradient is by now, of those of all over their norms.
        mixed, cosines = state
        met = ops.take(order, place, axis=1)
        chosen = others * ops.cast(ops.equal(ops.cast(met, "int32")[:, None], numbers), "float32")
        length = ops.sqrt(ops.maximum(ops.sum(mixed * product(seen.cosines, mixed), axis=1), 0.0))
        inner = ops.sum(mixed * ops.take(seen.cosines, met, axis=0), axis=1)
        # Of a gradient that is all taken out only rounding is left.
        cosine = ops.clip(inner / ops.maximum(length, 1e-6), -1.0, 1.0)
        target = ops.sum(chosen * targets, axis=1)
        slope = ops.sqrt((1 - cosine * cosine) / (1 - target * target))
        change = ops.where(cosine < target, length * target * slope - inner, 0.0)
        return mixed + chosen * change[:, None], cosines + chosen * cosine[:, None]

    start = ops.eye(count, dtype="float32")
    mixed, cosines = ops.fori_loop(0, count, meet, (start, ops.zeros_like(start)))
    norms = seen.mask * seen.norms
    return ops.sum(mixed * norms[:, None], axis=0) / seen.norms, cosines
