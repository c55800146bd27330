"""The gradients, each with what conflicts with others taken out, and then added."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._draws import Drawing
from keras_mtl.balancing._pairs import in_pairs
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class PCGrad(Drawing, GradientBalancing):
    """Takes out of each gradient what goes against another one, and adds what is left.

    Each task goes through the others in an order that is drawn in each step. If its gradient, as it
    is by then, goes against that of the other, it is projected to the normal plane of that. What is
    taken out of it for one task may come back for the next: with three tasks or more, losses may
    still rise along the sum. As published, it is a sum.

    Source: Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS 2020, algorithm 1.

    Args:
        seed: integer seed of the draws, or `None`.
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.PCGrad(seed=1)
    >>> weights = balancing(np.ones(2), np.array([[1.0, -1.0], [-1.0, 4.0]]))
    >>> np.asarray(weights).round(3)
    array([2.  , 1.25], dtype=float32)
    """

    def __init__(self, seed: int | None = None, at: Any = "weights", **options: Any) -> None:
        super().__init__(at, seed=seed, **options)

    def weigh(self, seen: Seen) -> Tensor:
        count = seen.losses.shape[0]
        weights, _ = in_pairs(seen, self.seed_generator, ops.zeros((count, count)))
        return weights

    def get_config(self) -> Config:
        return {"seed": self.seed, **super().get_config()}
