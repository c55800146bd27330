"""The weights of any other balancing, averaged over steps."""

from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._assign import assign
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing.balancing import Balancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class Smoothed(Balancing):
    """Averages the weights of another balancing exponentially: CR-MOGM.

    The weights are `alpha` times those of the step before, 1 at the start, and `1 - alpha` times
    those of the other. Those of tasks without a say stay as they are. Where gradients are taken,
    and all else, is as of the other.

    Source: Zhou et al., "On the Convergence of Stochastic Multi-Objective Gradient Manipulation and
    Beyond", NeurIPS 2022.

    Args:
        method: the other `Balancing`, which no model has yet.
        alpha: the share of what was, from 0 to less than 1.
        name: name of the layer.

    Raises:
        ValueError: `method` is no balancing, is smoothed already, or is that of a model.

    Example:

    >>> import numpy as np, keras_mtl
    >>> method = keras_mtl.balancing.GeometricMean()
    >>> balancing = keras_mtl.balancing.Smoothed(method, alpha=0.5)
    >>> losses = np.array([4.0, 0.25])
    >>> [np.asarray(balancing(losses)).tolist() for _ in range(2)]
    [[0.625, 2.5], [0.4375, 3.25]]
    """

    def __init__(self, method: Balancing, alpha: float = 0.9, name: str | None = None) -> None:
        other = isinstance(method, Balancing) and not isinstance(method, Smoothed)
        if not other or method.built:
            raise ValueError(
                "`method` must be a `Balancing` that is not smoothed, and of its own for each "
                f"model. Received: method={method!r}."
            )
        super().__init__(method.on_nan, name)
        self.method = method
        self.alpha = check_number("alpha", alpha, 0, high=1)
        self.at, self.every, self.conflicts = method.at, method.every, method.conflicts
        self.needs_positive = method.needs_positive
        self.needs_losses_after = method.needs_losses_after
        self.weighs_heads, self.weighs_alone = method.weighs_heads, method.weighs_alone

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        super().build(losses_shape)
        # Not by its `watch`: its metrics would be in the logs beside those here.
        self.method.tasks = list(self.tasks)
        self.method.build(losses_shape)
        self._average = self.state("average", np.ones(losses_shape))

    def weigh(self, seen: Seen) -> Tensor:
        new = self.method.weigh(seen)
        has_say = ops.logical_and(seen.known, ops.isfinite(new))
        if not self.weighs_alone:
            # What the method says of a task that is alone does not count there, either.
            has_say = ops.logical_and(has_say, ops.greater(seen.count, 1))
        assign(self.method.in_effect, has_say, new)
        average = self.alpha * self._average + (1 - self.alpha) * new
        assign(self._average, has_say, average)
        return ops.convert_to_tensor(self._average)

    def after(self, losses: Tensor, known: Tensor) -> None:
        self.method.after(losses, known)

    def end_epoch(self) -> None:
        self.method.end_epoch()

    def mix(self, weights: Tensor, gradients: list[list[Any]], features: list[Tensor]) -> list[Any]:
        return self.method.mix(weights, gradients, features)

    def record(self, losses: Tensor, weights: Tensor) -> None:
        super().record(losses, weights)
        self.method.steps.assign_add(1)

    def get_config(self) -> Config:
        method = keras.saving.serialize_keras_object(self.method)
        # The state is made anew for the tasks that the copy is to watch.
        method.pop("build_config", None)
        return {"method": method, "alpha": self.alpha, "name": self.name}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        method = keras.saving.deserialize_keras_object(config["method"])
        return cls(**{**config, "method": method})
