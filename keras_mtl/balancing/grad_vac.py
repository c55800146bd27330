"""The gradients, each turned towards the others as far as usual, and then added."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._assign import assign
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing._draws import Drawing
from keras_mtl.balancing._pairs import in_pairs
from keras_mtl.balancing.balancing import GradientBalancing, Seen

MOST = 0.999
"""Of a cosine to be reached: with one of 1 no finite share of the other gradient would do."""


@keras.saving.register_keras_serializable("keras_mtl")
class GradVac(Drawing, GradientBalancing):
    """Turns each gradient towards another one if their cosine is below what it is on average.

    As `PCGrad`, which it is in its first step: there the cosine is to be 0 at least. Here it is to
    be the moving average over the steps in which both tasks have a gradient, whether or not they
    are changed. As published, it is a sum.

    Source: Wang et al., "Gradient Vaccine: Investigating and Improving Multi-task Optimization in
    Massively Multilingual Models", ICLR 2021.

    Args:
        beta: from 0 to less than 1, the share of the newest cosine in the average.
        seed: integer seed of the draws, or `None`.
        at: where gradients are taken, as of `GradientBalancing`.
        **options: `every`, `conflicts`, `on_nan` and `name`, as of `GradientBalancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.GradVac(seed=1)
    >>> gramians = np.array([[[1.0, 0.6], [0.6, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])
    >>> weights = [balancing(np.ones(2), each) for each in gramians]
    >>> np.asarray(weights[1]).round(3)
    array([1.314, 1.314], dtype=float32)
    """

    def __init__(
        self, beta: float = 0.5, seed: int | None = None, at: Any = "weights", **options: Any
    ) -> None:
        super().__init__(at, seed=seed, **options)
        self.beta = check_number("beta", beta, 0, high=1)

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        super().build(losses_shape)
        self._average = self.state("average_cosines", np.zeros(losses_shape * 2))

    def weigh(self, seen: Seen) -> Tensor:
        targets = ops.minimum(self._average, MOST)
        weights, cosines = in_pairs(seen, self.seed_generator, targets)
        both = ops.logical_and(seen.known, seen.known[:, None])
        pairs = ops.logical_and(both, ops.eye(targets.shape[0]) == 0)
        assign(self._average, pairs, (1 - self.beta) * self._average + self.beta * cosines)
        return weights

    def get_config(self) -> Config:
        return {"beta": self.beta, "seed": self.seed, **super().get_config()}
