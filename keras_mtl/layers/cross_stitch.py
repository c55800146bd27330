"""The cross-stitch unit: every task's features become a learned mixture of all tasks' features."""

import math
import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from keras_mtl._types import Config, Shape, Tensor
from keras_mtl.layers._check_multiplier import check_multiplier

Towers: TypeAlias = list[Tensor] | tuple[Tensor, ...] | dict[str, Tensor]
Shapes: TypeAlias = list[Shape] | tuple[Shape, ...] | dict[str, Shape]


# The paper's: 100 times its rate of the network, 0.001, makes 0.1.
MULTIPLIER, LIMIT = 100.0, 0.1

# How many towers are mixed by one matrix product, and not by a multiply-add for each pair. Forward
# and backward, per channel, of 8 × 28² × 64 (on one core), the product took for 5, 10, 16 and 24
# towers 1.3, .73, .28 and .34 of their time on PyTorch, .77, .40, .23 and .14 on TensorFlow, and
# 2.0, 1.7, 1.2 and .9 on JAX, which is done with compiling in .6, .33, .25 and .14 of the time. Of
# smaller maps, and with one matrix for all channels, it took less.
ONE_PRODUCT_FROM = 10


@keras.saving.register_keras_serializable("keras_mtl")
class CrossStitch(keras.layers.Layer):
    """Mixes the equally shaped activations of T towers: `out_i = sum_j alpha[i, j] * x_j`.

    Source: Misra et al., "Cross-stitch Networks for Multi-task Learning", CVPR 2016, Equation 1.
    `alpha[i, i]` are the paper's same-task values, `alpha[i, j]` its different-task values.

    The alphas need a rate 10² to 10³ times the network's (paper, section 5.2), which is 0.001
    there, and weight decay must not pull them to zero. They therefore carry
    `learning_rate_multiplier`, `learning_rate_limit` and `weight_decay_exempt`, which the
    optimizers in `keras_mtl.optimizers` read.

    Args:
        per_channel: one T × T matrix for each channel if true, one for the whole layer if not.
        alpha: `(same, different)`, the initial weights of a task's own features and of all the
            other tasks' together. `different` is split evenly, so that a pair that sums to 1 is a
            convex start for any number of towers.
        axis: the channel axis, needed when `per_channel`.
        learning_rate_multiplier: factor on the optimizer's learning rate for the alphas. `None`:
            100, but to a rate of the alphas of 0.1 (the paper's) with SGD and of 0.01 with
            optimizers whose step does not scale with the gradient; at a multiple of it alphas run
            away. A number is taken as it is.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: a list, tuple or dict of T ≥ 2 tensors of one shape, of any rank. Row and column
            t of the alphas belong to the t-th tensor; of a dict, to the t-th key in sorted order.

    Returns:
        The mixtures, in the same structure and of the same shapes.

    Raises:
        ValueError: `alpha` is no pair of numbers, or the multiplier negative or not finite; fewer
            than two towers, unequal shapes, or a channel axis of unknown size.

    Example:

    >>> import numpy as np, keras_mtl
    >>> unit = keras_mtl.layers.CrossStitch(alpha=(0.9, 0.1))
    >>> a, b = unit([np.ones((1, 2, 2, 3)), np.zeros((1, 2, 2, 3))])
    >>> round(float(a[0, 0, 0, 0]), 2), round(float(b[0, 0, 0, 0]), 2)
    (0.9, 0.1)
    """

    def __init__(
        self,
        per_channel: bool = True,
        alpha: Sequence[float] = (0.9, 0.1),
        axis: int = -1,
        learning_rate_multiplier: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.per_channel = per_channel
        self.initial_alpha = _checked_alpha(alpha)
        warn_of_alpha(self.initial_alpha, stacklevel=2)
        self.axis = axis
        self.supports_masking = True
        self.learning_rate_multiplier = (
            None if learning_rate_multiplier is None else check_multiplier(learning_rate_multiplier)
        )

    def build(self, input_shape: Shapes) -> None:
        shapes = _as_list(input_shape)
        self._check_shapes(shapes)
        towers = len(shapes)
        matrix = _convex_matrix(towers, *self.initial_alpha)
        if self.per_channel:
            channels = shapes[0][self.axis]
            if channels is None:
                raise ValueError(
                    f"{self.name}: `per_channel=True` needs a known number of channels on "
                    f"axis={self.axis}. Received: input shape {shapes[0]}."
                )
            matrix = np.repeat(matrix[:, :, None], channels, axis=2)
        self.alpha = self.add_weight(
            shape=matrix.shape,
            initializer=lambda shape, dtype: ops.convert_to_tensor(matrix, dtype=dtype),
            name="alpha",
        )
        if self.learning_rate_multiplier is None:
            self.alpha.learning_rate_multiplier, self.alpha.learning_rate_limit = MULTIPLIER, LIMIT
        else:
            self.alpha.learning_rate_multiplier = self.learning_rate_multiplier
        self.alpha.weight_decay_exempt = True

    def call(self, inputs: Towers) -> Towers:
        towers = _as_list(inputs)
        of_many = len(towers) >= ONE_PRODUCT_FROM
        mixtures = self._by_one_product(towers) if of_many else self._by_pairs(towers)
        if isinstance(inputs, dict):
            return dict(zip(sorted(inputs), mixtures, strict=True))
        return type(inputs)(mixtures)

    def compute_output_shape(self, input_shape: Shapes) -> Shapes:
        return input_shape

    def macs(self, input_shape: Sequence[tuple[int, ...]] | dict[str, tuple[int, ...]]) -> int:
        """Multiply-accumulates of one example, as `keras_mtl.search.cost` asks for them."""
        shapes = _as_list(input_shape)
        return len(shapes) ** 2 * math.prod(shapes[0][1:])

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "per_channel": self.per_channel,
            "alpha": list(self.initial_alpha),
            "axis": self.axis,
            "learning_rate_multiplier": self.learning_rate_multiplier,
        }

    def _by_pairs(self, towers):
        """One multiply-add for each pair of towers."""
        mixtures = []
        for row in self._broadcastable_alpha(len(towers), len(towers[0].shape)):
            mixture = row[0] * towers[0]
            for weight, tower in zip(row[1:], towers[1:], strict=True):
                mixture = mixture + weight * tower
            mixtures.append(mixture)
        return mixtures

    def _by_one_product(self, towers):
        """One matrix product of alphas and stacked towers, for all channels or for each."""
        shape = ops.shape(towers[0])
        stacked = ops.stack([ops.reshape(tower, (-1,)) for tower in towers])
        if self.per_channel:
            behind = shape[self.axis % len(shape) + 1 :]
            channels = self.alpha.shape[-1]
            stacked = ops.reshape(
                _swapped(stacked, (-1, channels, *behind)), (channels, len(towers), -1)
            )
            mixed = ops.matmul(ops.transpose(self.alpha, (2, 0, 1)), stacked)
            mixed = ops.reshape(_swapped(mixed, (channels, -1, *behind)), (len(towers), -1))
        else:
            mixed = ops.matmul(self.alpha, stacked)
        # Not `unstack`, whose gradient is a sum of T arrays as large as the stack on JAX.
        return [ops.reshape(each, shape) for each in ops.split(mixed, len(towers))]

    def _broadcastable_alpha(self, towers, rank):
        """The T × T weights, each of a shape that multiplies a tower's activations."""
        shape = [1] * rank
        if self.per_channel:
            shape[self.axis] = -1
        last_axis = self.axis in (-1, rank - 1)
        return [
            [
                self.alpha[i, j]
                if last_axis or not self.per_channel
                else ops.reshape(self.alpha[i, j], shape)
                for j in range(towers)
            ]
            for i in range(towers)
        ]

    def _check_shapes(self, shapes):
        if len(shapes) < 2:
            raise ValueError(
                f"{self.name}: `inputs` must hold the activations of at least two towers. "
                f"Received: {len(shapes)}."
            )
        if any(shape != shapes[0] for shape in shapes):
            raise ValueError(
                f"{self.name}: all towers must have activations of one shape. Received: "
                f"{', '.join(str(shape) for shape in shapes)}."
            )
        if self.per_channel and not -len(shapes[0]) <= self.axis < len(shapes[0]):
            raise ValueError(
                f"{self.name}: `axis` must be an axis of the inputs. "
                f"Received: axis={self.axis} for shape {shapes[0]}."
            )


def _as_list(structure):
    """The towers of a list, tuple or dict; also of their shapes, which are tuples themselves."""
    if isinstance(structure, dict):
        # The backends do not agree on keeping a dict's insertion order.
        return [structure[key] for key in sorted(structure)]
    if isinstance(structure, (list, tuple)) and not (
        structure and (structure[0] is None or isinstance(structure[0], int))
    ):
        return list(structure)
    return [structure]


def _swapped(x, shape):
    """The numbers of a tensor of that shape, in a row, with its first two axes swapped.

    In a row, both here and on the way back, PyTorch has to move them in memory. It does so far
    faster where the tensor is a matrix, and what comes after finds them in order.
    """
    return ops.reshape(ops.swapaxes(ops.reshape(x, shape), 0, 1), (-1,))


def _checked_alpha(alpha):
    try:
        same, different = (float(value) for value in alpha)
    except (TypeError, ValueError):
        same = different = math.nan
    if not (math.isfinite(same) and math.isfinite(different)):
        raise ValueError(
            f"`alpha` must be a pair of numbers (same, different). Received: alpha={alpha!r}."
        )
    return same, different


def warn_of_alpha(alpha: Sequence[float], stacklevel: int) -> None:
    """Warns of a start that the paper does not take; `stacklevel` as if the caller warned."""
    same, different = alpha
    if not (0 <= same <= 1 and 0 <= different <= 1):
        warnings.warn(
            f"`alpha` outside [0, 1] lets activations grow or change sign from layer to layer; "
            f"the paper starts within it. Received: alpha=({same}, {different}).",
            stacklevel=stacklevel + 1,
        )
    elif abs(same + different - 1) > 1e-6:
        warnings.warn(
            f"`alpha` should sum to 1, so that activations keep their scale at the start. "
            f"Received: alpha=({same}, {different}).",
            stacklevel=stacklevel + 1,
        )


def _convex_matrix(towers, same, different):
    matrix = np.full((towers, towers), different / (towers - 1), "float32")
    np.fill_diagonal(matrix, same)
    return matrix
