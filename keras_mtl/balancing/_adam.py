"""Adam, for a few numbers that a balancing learns beside the model."""

import math
from typing import Any

import numpy as np
from keras import ops

from keras_mtl._types import Tensor
from keras_mtl.balancing._assign import assign
from keras_mtl.balancing.balancing import Balancing

FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-7
LARGEST = 1e15
"""Of a gradient: its square is still a float32."""


class Adam:
    """Numbers, one for each task, and what Adam knows of them, as state of a balancing.

    The optimizer of the model must not have them: its weight decay is not for them, and its rate
    would be too small.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.

    Args:
        owner: the balancing, while it is built.
        name: name of the numbers.
        start: their first values, NumPy array (T,).
        learning_rate: of Adam.
    """

    def __init__(self, owner: Balancing, name: str, start: Any, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        none = np.zeros(np.shape(start))
        self.values = owner.state(name, start)
        self._mean = owner.state(f"{name}_mean", none)
        self._square = owner.state(f"{name}_square", none)
        # Of each task: one that is seldom seen is at its own start for long.
        self._count = owner.state(f"{name}_count", none)

    def update(self, gradient: Tensor, known: Tensor) -> None:
        """One step against the gradient.

        Args:
            gradient: tensor (T,).
            known: boolean tensor (T,): the other entries stay as they are.
        """
        gradient = ops.clip(gradient, -LARGEST, LARGEST)
        mean = FIRST * self._mean + (1 - FIRST) * gradient
        square = SECOND * self._square + (1 - SECOND) * gradient * gradient
        count = self._count + 1.0
        # In float32 `1 - SECOND**count` would have four digits.
        first, second = (-ops.expm1(count * math.log(rate)) for rate in (FIRST, SECOND))
        step = self.learning_rate * (mean / first) / (ops.sqrt(square / second) + EPSILON)
        values = self.values - step
        for variable, new in (
            (self._mean, mean),
            (self._square, square),
            (self._count, count),
            (self.values, values),
        ):
            assign(variable, known, new)
