"""The worst loss, smoothly, in place of the sum."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_integer
from keras_mtl._types import Config, Tensor
from keras_mtl.balancing._check_number import check_number
from keras_mtl.balancing._logs import logs, shares
from keras_mtl.balancing._running_mean import RunningMean
from keras_mtl.balancing.balancing import LossBalancing, Seen


@keras.saving.register_keras_serializable("keras_mtl")
class SmoothTchebycheff(LossBalancing):
    """Minimises a smooth maximum of how far the losses are from where they were: STCH.

    That is `T · mu · log Σ exp(f_i / mu)` with `f_i = log(L_i / nadir_i)`, the form of the authors'
    code. The nadir of a task is its mean loss in the epoch behind the warm-up. Through the warm-up
    and that epoch `Σ log L_i` is minimised. So the weights are `1 / L_i` first, and
    `T · softmax(f / mu) / L_i` then, of the tasks that have a label in the batch; a step does not
    depend on the scales of the losses.

    Source: Lin et al., "Smooth Tchebycheff Scalarization for Multi-Objective Optimization", ICML
    2024.

    Args:
        mu: how smooth it is: close to 0 the worst task alone counts, when large all do alike.
        warm_up: epochs before the one that the nadir is taken from.
        **options: `on_nan` and `name`, as of `Balancing`.

    Example:

    >>> import numpy as np, keras_mtl
    >>> balancing = keras_mtl.balancing.SmoothTchebycheff(warm_up=0)
    >>> weights = balancing(np.array([4.0, 1.0]))  # the nadir
    >>> balancing.end_epoch()
    >>> np.asarray(balancing(np.array([1.0, 1.0]))).round(2)
    array([0.4, 1.6], dtype=float32)
    """

    needs_positive = True

    def __init__(self, mu: float = 1.0, warm_up: int = 4, **options: Any) -> None:
        super().__init__(**options)
        self.mu = check_number("mu", mu, 0, above=True)
        self.warm_up = check_integer("warm_up", warm_up, 0)

    def build(self, losses_shape: tuple[int, ...], gramian_shape: Any = None) -> None:
        super().build(losses_shape)
        self._epochs = self.state("epochs", np.zeros((), "int32"))
        self._nadir = RunningMean(self, "nadir", losses_shape[0])

    def weigh(self, seen: Seen) -> Tensor:
        # A task whose first label comes later has its first loss as nadir.
        new = ops.logical_and(self._epochs > self.warm_up, ops.equal(self._nadir.count, 0))
        at_nadir = ops.logical_or(ops.equal(self._epochs, self.warm_up), new)
        self._nadir.update(seen.losses, ops.logical_and(seen.known, at_nadir))
        each = logs(seen.losses, seen.known)
        distance = each - logs(self._nadir.values, seen.known)
        worst = seen.count * shares(distance / self.mu, seen.known)
        return ops.where(self._epochs > self.warm_up, worst, 1.0) * ops.exp(-each)

    def end_epoch(self) -> None:
        self._epochs.assign_add(1)

    def get_config(self) -> Config:
        return {"mu": self.mu, "warm_up": self.warm_up, **super().get_config()}
