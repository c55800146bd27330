"""A block that some tasks skip."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_mtl._types import Config, Shape, Tensor


@keras.saving.register_keras_serializable("keras_mtl")
class SkipBlock(keras.layers.Layer):
    """Mixes a block's output with its shortcut, for each task by its weight of a `SkipPolicy`.

    A task with the weight p goes on with `p · output + (1 - p) · shortcut`. The tasks stand behind
    one another in the batch axis: first all examples of the first task, then those of the second.

    Source: Sun et al., AdaShare, NeurIPS 2020, section 3.

    Args:
        block: number of the block, the column of the policy.
        tasks: numbers of the tasks in the batch, rows of the policy.
        split: whether the inputs hold each task's own examples; otherwise all tasks have the same
            inputs, which part here.
        **kwargs: `name`, `dtype`, … of `keras.layers.Layer`.

    Call arguments:
        output: what the block makes of its input, (batch, …), or (T · batch, …) if `split`.
        shortcut: what stands in for it, of the same shape.
        policy: tensor (all tasks, all blocks) of weights.

    Returns:
        A tensor (T · batch, …).

    Example:

    >>> import numpy as np, keras_mtl
    >>> layer = keras_mtl.layers.SkipBlock(block=0, tasks=[0, 1], split=False)
    >>> mixed = layer(np.ones((1, 2)), np.zeros((1, 2)), np.array([[0.25], [1.0]], "float32"))
    >>> [round(float(x), 2) for x in mixed[:, 0]]
    [0.25, 1.0]
    """

    def __init__(self, block: int, tasks: Sequence[int], split: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.block, self.tasks, self.split = block, list(tasks), split

    def call(self, output: Tensor, shortcut: Tensor, policy: Tensor) -> Tensor:
        weights = ops.stack([policy[task, self.block] for task in self.tasks])
        weights = ops.reshape(weights, (len(self.tasks), *[1] * len(output.shape)))
        parts = len(self.tasks) if self.split else 1
        output, shortcut = (
            ops.reshape(x, (parts, -1, *ops.shape(x)[1:])) for x in (output, shortcut)
        )
        # Exact for weights of 0 and 1, as `shortcut + weights * (output - shortcut)` is not.
        mixed = weights * output + (1 - weights) * shortcut
        return ops.reshape(mixed, (-1, *ops.shape(mixed)[2:]))

    def compute_output_spec(
        self, output: keras.KerasTensor, shortcut: keras.KerasTensor, policy: keras.KerasTensor
    ) -> keras.KerasTensor:
        shape = self.compute_output_shape(output.shape)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)

    def compute_output_shape(
        self,
        output_shape: Shape,
        shortcut_shape: Shape | None = None,
        policy_shape: Shape | None = None,
    ) -> Shape:
        batch, *rest = output_shape
        if batch is not None and not self.split:
            batch *= len(self.tasks)
        return batch, *rest

    def get_config(self) -> Config:
        config = {"block": self.block, "tasks": list(self.tasks), "split": self.split}
        return {**super().get_config(), **config}
