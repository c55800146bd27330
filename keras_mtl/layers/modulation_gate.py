"""The modulation module: every task scales the channels of shared features by its own gates."""

import math
import string
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_integer
from keras_mtl._types import Config, Shape, Tensor
from keras_mtl.layers._check_multiplier import check_multiplier

Features: TypeAlias = Tensor | list[Tensor] | tuple[Tensor, ...]
"""Those that tasks share, or of each task its own."""


@keras.saving.register_keras_serializable("keras_mtl")
class ModulationGate(keras.layers.Layer):
    """Multiplies the channels of features by a row of gates that a task has for its own.

    Task t sees the features x as `x * relu(gate[t])`, where `gate` is a learned T × C matrix of
    ones at the start: all other weights can be shared, and yet what a task does not need is kept
    out of its features, and its gradients out of those weights. The gates are T · C values, few
    beside those of a network. The general form (`per_channel=False`) has a whole C × C projection
    for each task, of which the gates are the diagonal.

    Weight decay must not pull gates to zero: the weight carries `weight_decay_exempt`, which the
    optimizers in `keras_mtl.optimizers` read.

    Source: Zhao et al., "A Modulation Module for Multi-task Learning with Applications in Image
    Retrieval", ECCV 2018, section 3. Masks of single tasks under an L1 penalty are those of Veit et
    al., "Conditional Similarity Networks", CVPR 2017.

    Args:
        num_tasks: number T of tasks.
        per_channel: one gate for each channel if true, a projection `x @ gate[t]` of the channels
            if not, the identity at the start.
        relu: whether a gate acts through ReLU, so that it is never negative; as `per_channel` if
            `None`. A gate below 0 is shut, and no gradient opens it again.
        axis: the channel axis; not 0, the batch axis.
        initializer: Keras initializer of the gates; each layer takes a copy, which without a seed
            has draws of its own. A projection is left at `"ones"`.
        regularizer: Keras regularizer of the gates as they act, that is behind ReLU, such as
            `keras.regularizers.L1(1e-4)`, or `None`.
        learning_rate_multiplier: factor on the learning rate of the gates, which the optimizers in
            `keras_mtl.optimizers` read. The paper has none; in a short training gates that learn no
            faster than other weights hardly leave 1.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: features (batch, …) with C channels on `axis`, of any rank from 2; without `task`
            also a list or tuple of T such tensors of one shape, the features of each task.
        task: `None`, or the number of each example's task: integer tensor (batch,) or (batch, 1).
            Numbers from 0 to T - 1; others are refused in NumPy arrays and lists that the layer
            itself is called on. In tensors, and so within a model, they are errors on TensorFlow
            and PyTorch, and make NaN on JAX.

    Returns:
        With `task` a tensor of the shape of `inputs`, every example of which is gated by its own
        task's row. Without it the features as every task sees them: a list of T tensors, or, if
        `inputs` is one, a list or tuple, as it came, whose t-th tensor is gated by row t.

    Raises:
        ValueError: `num_tasks` is no positive integer; ReLU or an initializer for a projection; a
            multiplier that is negative or not finite; an `axis` the inputs do not have, the batch
            axis, or one of unknown size; a list of other than T tensors, or of unequal shapes;
            `task` goes with a list, is not of integers, or does not have one for each example.

    Example:

    >>> import numpy as np, keras_mtl
    >>> gates = keras_mtl.layers.ModulationGate(num_tasks=2)
    >>> features = np.ones((3, 4, 4, 8), "float32")
    >>> [tuple(x.shape) for x in gates(features)]
    [(3, 4, 4, 8), (3, 4, 4, 8)]
    >>> gates.set_weights([np.array([[2.0] * 8, [-1.0] * 8])])
    >>> of_examples = gates(features, task=[0, 1, 0])
    >>> [float(x) for x in of_examples[:, 0, 0, 0]]
    [2.0, 0.0, 2.0]
    """

    mixes_tasks = False
    """So that tasks may have inputs of their own."""

    def __init__(
        self,
        num_tasks: int,
        per_channel: bool = True,
        relu: bool | None = None,
        axis: int = -1,
        initializer: str | Config | keras.initializers.Initializer = "ones",
        regularizer: str | Config | keras.regularizers.Regularizer | None = None,
        learning_rate_multiplier: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_tasks = check_integer("num_tasks", num_tasks, 1)
        self.per_channel = per_channel
        self.relu = per_channel if relu is None else relu
        self.axis = axis
        self.initializer = _copied(keras.initializers.get(initializer))
        self.regularizer = keras.regularizers.get(regularizer)
        self.learning_rate_multiplier = check_multiplier(learning_rate_multiplier)
        self.supports_masking = True
        if not per_channel and self.relu:
            raise ValueError(
                "`relu` must not be True with `per_channel=False`: most of a projection starts at "
                f"0, where ReLU has no gradient. Received: relu={relu}."
            )
        if not per_channel and not isinstance(self.initializer, keras.initializers.Ones):
            raise ValueError(
                '`initializer` must be "ones" with `per_channel=False`: a projection starts as the '
                f"identity. Received: initializer={initializer!r}."
            )

    def __call__(self, inputs: Features, task: Tensor | None = None, **kwargs: Any) -> Features:
        # Before Keras makes tensors of arrays, whose values could not be looked at when traced.
        if task is None:
            return super().__call__(inputs, **kwargs)
        return super().__call__(inputs, self._checked_numbers(task), **kwargs)

    def build(self, inputs_shape: Shape | Sequence[Shape], task_shape: Shape | None = None) -> None:
        channels = self._checked_shapes(inputs_shape, task_shape)[0][self.axis]
        if self.per_channel:
            shape, initializer = (self.num_tasks, channels), self.initializer
        else:
            shape, initializer = (self.num_tasks, channels, channels), _identities
        self.gate = self.add_weight(
            shape=shape,
            initializer=initializer,
            regularizer=self.regularizer and self._penalty,
            name="gate",
        )
        self.gate.learning_rate_multiplier = self.learning_rate_multiplier
        self.gate.weight_decay_exempt = True

    def call(self, inputs: Features, task: Tensor | None = None) -> Features:
        if several := isinstance(inputs, (list, tuple)):
            shapes = [tuple(x.shape) for x in inputs]
        else:
            shapes = tuple(inputs.shape)
        rank = len(self._checked_shapes(shapes, None if task is None else tuple(task.shape))[0])
        if task is not None:
            numbers = task if len(task.shape) == 1 else ops.squeeze(task, -1)
            # JAX would count negative numbers from the end.
            numbers = ops.where(numbers < 0, self.num_tasks, numbers)
            # Rows of a matrix: the one lookup that every format of export knows.
            rows = ops.take(ops.reshape(self.rows(), (self.num_tasks, -1)), numbers, axis=0)
            return self._gated(inputs, self._broadcastable(rows, rank), per_example=True)
        gates = self._broadcastable(self.rows(), rank)
        features = inputs if several else [inputs] * self.num_tasks
        seen = [self._gated(x, gates[number]) for number, x in enumerate(features)]
        return tuple(seen) if isinstance(inputs, tuple) else seen

    def rows(self) -> Tensor:
        """The gates as they act, that is behind ReLU.

        Returns:
            A tensor (T, C), or (T, C, C) of the projections.
        """
        return self._acting(ops.convert_to_tensor(self.gate))

    def compute_output_shape(
        self, inputs_shape: Shape | Sequence[Shape], task_shape: Shape | None = None
    ) -> Shape | Sequence[Shape]:
        shapes = self._checked_shapes(inputs_shape, task_shape)
        if task_shape is not None:
            return shapes[0]
        if not _holds_shapes(inputs_shape):
            return shapes * self.num_tasks
        return tuple(shapes) if isinstance(inputs_shape, tuple) else shapes

    def macs(self, input_shape: tuple[int, ...] | Sequence[tuple[int, ...]]) -> int:
        """Multiply-accumulates of one example, as `keras_mtl.search.cost` asks for them.

        The shape of the first argument does not tell whether the call is given the tasks of its
        examples. So one output is counted for a single tensor, and T are for a list of them: a
        call on a single tensor without `task`, which makes T outputs, counts as one of them.

        Args:
            input_shape: shape of the features, or list of those of the tasks, with a batch axis of
                1.
        """
        shapes = self._checked_shapes(input_shape)
        products = 1 if self.per_channel else shapes[0][self.axis]
        return len(shapes) * products * math.prod(shapes[0][1:])

    def get_config(self) -> Config:
        return {
            **super().get_config(),
            "num_tasks": self.num_tasks,
            "per_channel": self.per_channel,
            "relu": self.relu,
            "axis": self.axis,
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
            "learning_rate_multiplier": self.learning_rate_multiplier,
        }

    def _acting(self, gates):
        return ops.relu(gates) if self.relu else gates

    def _penalty(self, gates):
        # A penalty on what ReLU has shut would draw it back to 0.
        return self.regularizer(self._acting(gates))

    def _broadcastable(self, rows, rank):
        """Rows of gates, of a shape that multiplies features; or the projections."""
        channels = self.gate.shape[-1]
        if not self.per_channel:
            return ops.reshape(rows, (-1, channels, channels))
        shape = [1] * rank
        shape[0], shape[self.axis] = -1, channels
        return ops.reshape(rows, shape)

    def _gated(self, features, gates, per_example=False):
        if self.per_channel:
            return features * gates
        axes = string.ascii_lowercase[: len(features.shape)]
        channel = axes[self.axis]
        projections = f"{axes[0] if per_example else ''}{channel}Z"
        equation = f"{axes},{projections}->{axes.replace(channel, 'Z')}"
        return ops.einsum(equation, features, gates)

    def _checked_numbers(self, task):
        """Numbers of tasks: those whose values are at hand are looked at."""
        if not hasattr(task, "dtype"):
            task = np.asarray(task)
        if not keras.backend.is_int_dtype(keras.backend.standardize_dtype(task.dtype)):
            raise ValueError(
                f"{self.name}: `task` must hold integers, the numbers of the examples' tasks. "
                f"Received: {task!r}."
            )
        if not isinstance(task, np.ndarray):
            return task
        if np.any((task < 0) | (task >= self.num_tasks)):
            raise ValueError(
                f"{self.name}: `task` must hold numbers from 0 to {self.num_tasks - 1}. "
                f"Received: {np.unique(task).tolist()}."
            )
        return task.astype("int32")

    def _checked_shapes(self, inputs_shape, task_shape=None):
        """The shapes of a call's features as a list of tuples, if they and the tasks' fit."""
        several = _holds_shapes(inputs_shape)
        shapes = [tuple(shape) for shape in (inputs_shape if several else [inputs_shape])]
        first = shapes[0] if shapes else ()
        if several and (task_shape is not None or len(shapes) != self.num_tasks):
            also = "" if task_shape is None else " together with `task`"
            raise ValueError(
                f"{self.name}: `inputs` must be one tensor, or, without `task`, one for each of "
                f"the {self.num_tasks} tasks. Received: {len(shapes)} tensors{also}."
            )
        if any(shape != first for shape in shapes):
            raise ValueError(
                f"{self.name}: all tasks must have features of one shape. Received: "
                f"{', '.join(str(shape) for shape in shapes)}."
            )
        rank = len(first)
        if not -rank <= self.axis < rank or self.axis % rank == 0:
            raise ValueError(
                f"{self.name}: `axis` must be an axis of the inputs, and not the batch axis. "
                f"Received: axis={self.axis} for shape {first}."
            )
        if first[self.axis] is None:
            raise ValueError(
                f"{self.name}: gates need a known number of channels on axis={self.axis}. "
                f"Received: input shape {first}."
            )
        if task_shape is not None and not _one_for_each(tuple(task_shape), first[0]):
            raise ValueError(
                f"{self.name}: `task` must have the shape (batch,) or (batch, 1). Received: "
                f"{tuple(task_shape)} for inputs of shape {first}."
            )
        return shapes


def _holds_shapes(shape):
    """Whether this is a list or tuple of shapes, not a shape, which is a tuple itself."""
    return not shape or isinstance(shape[0], (list, tuple))


def _one_for_each(shape, batch):
    """Whether a shape, of which sizes may be unknown, is that of one number for each example."""
    if not (len(shape) == 1 or (len(shape) == 2 and shape[1] in (1, None))):
        return False
    # Where a model is exported an open size is a symbol, which would not stay open if compared.
    return len({size for size in (shape[0], batch) if isinstance(size, int)}) < 2


def _copied(initializer):
    """A copy, which has no draws of its own yet; functions are taken as they are."""
    is_known = isinstance(initializer, keras.initializers.Initializer)
    return initializer.clone() if is_known else initializer


def _identities(shape, dtype=None):
    tasks, channels, _ = shape
    return ops.convert_to_tensor(np.tile(np.eye(channels), (tasks, 1, 1)), dtype=dtype)
