"""Weights that are drawn anew in each step."""

from typing import Any

import keras

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._draws import Drawing
from keras_mtl.balancing._logs import shares
from keras_mtl.balancing.balancing import LossBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class RandomLossWeighting(Drawing, LossBalancing):
    """Draws the weights of the losses in each step: RLW, which others should be better than.

    The weights are T times the softmax of T numbers of the normal distribution. As published they
    sum to 1; here to T, as those of plain training do, so that the two learn at the same rate.

    Source: Lin et al., "Reasonable Effectiveness of Random Weighting: A Litmus Test for Multi-Task
    Learning", TMLR 2022.

    Args:
        seed: integer seed of the draws, or `None`.
        **options: `on_nan` and `name`, as of `Balancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.RandomLossWeighting(seed=1)
    >>> round(float(sum(balancing(np.ones(3)))), 4)
    3.0
    """

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed=seed, **options)

    def weigh(self, seen: Seen) -> Tensor:
        count = seen.losses.shape[0]
        return count * shares(keras.random.normal((count,), seed=self.seed_generator))

    def get_config(self) -> Config:
        return {"seed": self.seed, **super().get_config()}
