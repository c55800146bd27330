"""The gradients, rotated and scaled until they are orthogonal and of one length."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class AlignedMTL(GradientBalancing):
    """Adds orthogonal gradients of one length that are closest to those of the tasks.

    All get the smallest singular value of the matrix of the gradients that is above rounding. So
    gradients that are nearly parallel, which agree, make steps small, until at a hundredth of a
    degree or so they count as one. Weights are as published, of a sum.

    Source: Senushkin et al., "Independent Component Alignment for Multi-Task Learning", CVPR 2023,
    algorithm 1.

    Args:
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> weights = keras_mtl.balancing.AlignedMTL()(np.ones(2), np.array([[1.0, 0.0], [0.0, 4.0]]))
    >>> np.asarray(weights).round(3)
    array([1. , 0.5], dtype=float32)
    """

    def __init__(self, at: Any = "weights", **options: Any) -> None:
        super().__init__(at, **options)

    def weigh(self, seen: Seen) -> Tensor:
        norms = seen.mask * seen.norms
        norms = norms / ops.maximum(ops.sqrt(ops.sum(norms * norms)), 1e-30)
        # Tasks without a say are orthogonal to the others, and longer than all of them together.
        norms = ops.where(seen.known, norms, 2.0)
        rounding = seen.count * np.finfo("float32").eps
        # Not the eigenvalues of the inner products themselves: in float32 they would show nothing
        # of gradients a thousand times shorter than the longest one.
        squares, axes = ops.eigh(seen.cosines)
        squares = ops.where(squares > rounding * ops.max(squares), squares, 0.0)
        directions, sizes, _ = ops.svd(norms[:, None] * axes * ops.sqrt(squares), False)
        largest = ops.max(ops.where(sizes < 1.5, sizes, 0.0))
        counts = sizes > rounding * largest
        smallest = ops.min(ops.where(counts, sizes, float("inf")))
        scales = ops.where(counts, smallest / ops.where(counts, sizes, 1.0), 0.0)
        parts = scales * ops.sum(directions * seen.mask[:, None], axis=0)
        return ops.sum(directions * parts, axis=1)
