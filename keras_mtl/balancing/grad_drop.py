"""Signs of gradients, drawn number by number."""

from typing import Any

import keras
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing._draws import Drawing
from keras_mtl.balancing.balancing import GradientBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class GradDrop(Drawing, GradientBalancing):
    """Lets at each number of the shared features only gradients of one sign, which is drawn, pass.

    The purer the tasks' gradients are in sign, the surer that sign is drawn: with a probability of
    ½ (1 + Σg / Σ|g|) the positive ones pass. Signs are those of the gradient times the feature,
    summed over the batch. All tasks have a weight of 1; the gradients of those that share a
    feature are what changes.

    Source: Chen et al., "Just Pick a Sign: Optimizing Deep Multitask Models with Gradient Sign
    Dropout", NeurIPS 2020, algorithm 1.

    Args:
        leak: from 0 to less than 1, the share of the gradients that passes in any case.
        seed: integer seed of the draws, or `None`.
        **options: `conflicts`, `on_nan` and `name`, as of `GradientBalancing`; gradients are taken
            at the features.

    Example:

    >>> import keras_mtl
    >>> keras_mtl.balancing.GradDrop(leak=0.1).at
    'features'
    """

    def __init__(self, leak: float = 0.0, **options: Any) -> None:
        super().__init__(at="features", **options)
        self.leak = check_number("leak", leak, 0, high=1)

    def weigh(self, seen: Seen) -> Tensor:
        return ops.ones_like(seen.mask)

    def mix(self, weights: Tensor, gradients: list[list[Any]], features: list[Tensor]) -> list[Any]:
        return [
            self._drop(feature, [g for g in of_tasks if g is not None])
            for feature, *of_tasks in zip(features, *gradients, strict=True)
        ]

    def _drop(self, feature, gradients):
        if not gradients:
            return None
        sign = ops.sign(feature)
        pulls = [ops.sum(ops.cast(g * sign, "float32"), axis=0) for g in gradients]
        total = sum(ops.abs(pull) for pull in pulls)
        # Where nobody pulls any sign will do.
        purity = 0.5 * (1.0 + ops.divide_no_nan(sum(pulls), total))
        positive = purity > keras.random.uniform(total.shape, seed=self.seed_generator)
        passes = [ops.where(positive, pull > 0, pull < 0) for pull in pulls]
        return sum(
            g * ops.cast(ops.where(own, 1.0, self.leak), g.dtype)
            for g, own in zip(gradients, passes, strict=True)
        )

    def get_config(self) -> Config:
        config = {"leak": self.leak, "seed": self.seed, **super().get_config()}
        del config["at"]
        return config
