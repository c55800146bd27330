"""AdaShare's policy: whether a task executes or skips a block."""

import numbers
from collections.abc import Sequence
from typing import Any, Literal

import keras
import numpy as np
from keras import ops

from keras_mtl._checks import check_choice
from keras_mtl._types import Array, Config, Shape, Tensor

FORMS = ("code", "paper")


@keras.saving.register_keras_serializable("keras_mtl")
class SkipPolicy(keras.layers.Layer):
    """Draws, for each of T tasks and L blocks, how much of the block the task executes.

    A pair of logits (execute, skip) for each task and block is learned along with the network. In
    training they are relaxed by the Gumbel-softmax: `softmax((logits + noise) / temperature)`, one
    draw for the whole batch. In inference the larger logit decides (execute, if they are equal).
    Only the last `active_blocks` blocks are under the policy, a number that a curriculum raises
    while training; the earlier ones are executed by all tasks. `SkipBlock` applies the draw;
    `keras_mtl.sharing.AdaShared` puts both into a network.

    Two losses are added to the model's. With P the probabilities, a the execute logits and l the
    number of a block, counted from 0, over the blocks under the policy:

    - `form="code"`, that of the authors' program: `sparsity_weight` times
      `Σ_k mean_l -log P[k, l, skip]` and `agreement_weight` times
      `Σ_{i<j} Σ_l (l + 1) / L · |a[i, l] - a[j, l]|`;
    - `form="paper"`: `Σ_k Σ_l log P[k, l, execute]`, which has no lower bound, and
      `Σ_{i<j} Σ_l (L - l) / L · |P[i, l, execute] - P[j, l, execute]|`, by which early blocks are
      shared most, with the same factors.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020, section 3.

    Args:
        tasks: names of the T tasks.
        blocks: names of the L blocks, in the order of the network.
        temperature: temperature at the start; later that of the variable `temperature`.
        hard: whether training executes or skips a block as a whole (0 or 1), with the gradient of
            the soft draw ("straight-through").
        sparsity_weight, agreement_weight: factors on the two losses.
        form: `"code"` or `"paper"`.
        seed: integer seed of the draws, or `None`.
        **kwargs: `name`, … of `keras.layers.Layer`.

    Call arguments:
        inputs: any tensor of the network; its values do not matter.
        noise: `None`, or Gumbel noise (T, L, 2) to use in training in place of a draw.

    Returns:
        float32 tensor (T, L): 0 where the block is skipped, 1 where it is executed.

    Raises:
        ValueError: no tasks or blocks, names that are given twice, a temperature that is not
            positive, a negative weight, or an unknown form.

    Example:

    >>> import numpy as np, keras_mtl
    >>> policy = keras_mtl.layers.SkipPolicy(["age", "species"], ["block1", "block2"])
    >>> tuple(policy(np.ones((4, 8)), training=True).shape)
    (2, 2)
    """

    def __init__(
        self,
        tasks: Sequence[str],
        blocks: Sequence[str],
        *,
        temperature: float = 5.0,
        hard: bool = False,
        sparsity_weight: float = 0.0,
        agreement_weight: float = 0.0,
        form: Literal["code", "paper"] = "code",
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        # A draw in half precision would be 0 or 1 too often.
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.tasks, self.blocks = _checked_names(tasks, "tasks"), _checked_names(blocks, "blocks")
        self.initial_temperature = _checked(temperature, "temperature", positive=True)
        self.sparsity_weight = _checked(sparsity_weight, "sparsity_weight")
        self.agreement_weight = _checked(agreement_weight, "agreement_weight")
        check_choice("form", form, FORMS)
        self.hard, self.form, self.seed = hard, form, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: Shape) -> None:
        self.logits = self.add_weight(
            shape=(len(self.tasks), len(self.blocks), 2),
            initializer=keras.initializers.Constant(0.5),
            name="logits",
        )
        self.temperature = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(self.initial_temperature),
            trainable=False,
            name="temperature",
        )
        self.active_blocks = self.add_weight(
            shape=(),
            dtype="int32",
            initializer=keras.initializers.Constant(len(self.blocks)),
            trainable=False,
            name="active_blocks",
        )

    def call(
        self, inputs: Tensor, noise: Tensor | None = None, training: bool | None = None
    ) -> Tensor:
        self._add_losses()
        if not training:
            return self._most_probable()
        if noise is None:
            noise = self._gumbel_noise()
        elif not _fits(noise.shape, self.logits.shape):
            raise ValueError(
                f"`noise` must have the shape of the logits, {tuple(self.logits.shape)}. "
                f"Received: {tuple(noise.shape)}."
            )
        soft = _first_of_two((self.logits + noise) / self.temperature)
        if self.hard:
            soft = soft + ops.stop_gradient(ops.cast(soft >= 0.5, "float32") - soft)
        return self._under_policy(soft)

    def probabilities(self) -> Tensor:
        """Probability of each task to execute each block: float32 tensor (T, L)."""
        return self._under_policy(_first_of_two(self.logits))

    def decisions(self) -> Array:
        """The most probable policy: NumPy bool array (T, L), true where a block is executed."""
        return ops.convert_to_numpy(self._most_probable()) > 0

    def sample(self, seed: int) -> Array:
        """A policy drawn from the probabilities: NumPy bool array (T, L).

        Args:
            seed: integer seed of the draw.
        """
        probabilities = ops.convert_to_numpy(self.probabilities())
        # Below 1, so that a block that is not under the policy is executed by every draw.
        return np.random.default_rng(seed).random(probabilities.shape) < probabilities

    def compute_output_spec(
        self, inputs: keras.KerasTensor, noise: Tensor | None = None, training: bool | None = None
    ) -> keras.KerasTensor:
        return keras.KerasTensor((len(self.tasks), len(self.blocks)), dtype="float32")

    def compute_output_shape(self, inputs_shape: Shape, noise_shape: Shape | None = None) -> Shape:
        return len(self.tasks), len(self.blocks)

    def macs(self, input_shape: tuple[int, ...]) -> int:
        """None, as `keras_mtl.search.cost` asks for them: no activation is multiplied."""
        return 0

    def get_config(self) -> Config:
        config = super().get_config()
        del config["dtype"]
        return {
            **config,
            "tasks": list(self.tasks),
            "blocks": list(self.blocks),
            "temperature": self.initial_temperature,
            "hard": self.hard,
            "sparsity_weight": self.sparsity_weight,
            "agreement_weight": self.agreement_weight,
            "form": self.form,
            "seed": self.seed,
        }

    def _most_probable(self):
        # Not by the probabilities: logits that differ a little give two of exactly 0.5.
        executes = self.logits[..., 0] >= self.logits[..., 1]
        return self._under_policy(ops.cast(executes, "float32"))

    def _gumbel_noise(self):
        uniform = keras.random.uniform(self.logits.shape, seed=self.seed_generator)
        # Both logarithms stay finite.
        return -ops.log(-ops.log(ops.clip(uniform, 1e-7, 1 - 1e-7)))

    def _is_active(self):
        number = ops.arange(len(self.blocks), dtype="int32")
        return number >= len(self.blocks) - ops.convert_to_tensor(self.active_blocks)

    def _under_policy(self, weights):
        return ops.where(self._is_active(), weights, 1.0)

    def _add_losses(self):
        if self.sparsity_weight:
            self.add_loss(self.sparsity_weight * self._sparsity_loss())
        if self.agreement_weight and len(self.tasks) > 1:
            self.add_loss(self.agreement_weight * self._agreement_loss())

    def _sparsity_loss(self):
        active = ops.cast(self._is_active(), "float32")
        execute, skip = ops.unstack(ops.log_softmax(self.logits), axis=-1)
        if self.form == "paper":
            return ops.sum(active * execute)
        return -ops.sum(active * skip) / ops.maximum(ops.sum(active), 1.0)

    def _agreement_loss(self):
        count = len(self.blocks)
        number = ops.arange(count, dtype="float32")
        if self.form == "paper":
            weights, values = (count - number) / count, _first_of_two(self.logits)
        else:
            weights, values = (number + 1) / count, self.logits[..., 0]
        weights = weights * ops.cast(self._is_active(), "float32")
        # Of all ordered pairs every unordered one is there twice, and those of a task with itself
        # are 0.
        differences = ops.abs(values[:, None] - values[None])
        return ops.sum(weights * differences) / 2


def _first_of_two(logits):
    """The first component of the softmax of two: exactly 0 and 1 where TensorFlow's is not."""
    return ops.sigmoid(logits[..., 0] - logits[..., 1])


def _fits(shape, wanted):
    """Whether a shape, of which TensorFlow may not know all sizes, can be the wanted one."""
    return len(shape) == len(wanted) and all(
        size in (None, of) for size, of in zip(shape, wanted, strict=True)
    )


def _checked_names(names, argument):
    names = list(names) if isinstance(names, (list, tuple)) else []
    if not names or len(set(names)) < len(names):
        raise ValueError(
            f"`{argument}` must be a list of different names, at least one. Received: {names!r}."
        )
    return names


def _checked(value, argument, positive=False):
    number = isinstance(value, numbers.Real) and np.isfinite(value)
    if not number or value < 0 or (positive and value == 0):
        sign = "positive" if positive else "at least 0"
        raise ValueError(f"`{argument}` must be {sign}. Received: {argument}={value!r}.")
    return float(value)
