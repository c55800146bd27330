"""How a network learns a policy along with its weights."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_mtl._checks import check_integer
from keras_mtl._types import Config, PathLike
from keras_mtl.callbacks import AdaShareSchedule, PolicyLogger
from keras_mtl.datasets import AlternatingBatches
from keras_mtl.optimizers import Alternating
from keras_mtl.sharing import AdaShared

ROUNDS = 20
"""Turns of weights and policy, at most, unless they are given."""
WARM_UP = 0.3
"""Share of them in which all blocks are executed, unless it is given."""


@dataclasses.dataclass(frozen=True)
class PolicySearch:
    """Weights and a policy learn by turns; a round is a turn of each.

    Source: Sun et al., "AdaShare", NeurIPS 2020, section 3.

    Attributes:
        sharing: an `AdaShared` without a policy.
        turns: steps of a turn of the weights and of the policy.
        warm_up: rounds at the start in which all blocks are executed and only the weights learn.
        rounds: rounds behind those.
        images: share of the training examples from which, after the warm-up, the policy learns.
        optimizer: the optimizer of the weights after the warm-up; as before if `None`.
        rate: learning rate of the policy.
        weight_decay: of the policy, or `None`.
        decay: factor on the temperature from round to round; that of the authors' hundred rounds in
            as many as there are if `None`.
        blocks_every: rounds after which a further block comes under the policy; all from the
            first one on if `None`.

    Example:

    >>> import keras_mtl
    >>> search = keras_mtl.study.PolicySearch.of(
    ...     keras_mtl.sharing.AdaShared(sparsity_weight=0.01), steps=200)
    >>> search.turns, search.steps
    ((5, 5), 200)
    """

    sharing: AdaShared
    turns: tuple[int, int]
    warm_up: int
    rounds: int
    images: float = 0.2
    optimizer: keras.optimizers.Optimizer | None = None
    rate: float = 0.01
    weight_decay: float | None = None
    decay: float | None = None
    blocks_every: int | None = None

    def __post_init__(self) -> None:
        for name, each in zip(("weights", "policy"), self.turns, strict=True):
            check_integer(f"turns of the {name}", each, 1)
        check_integer("warm_up", self.warm_up, 1)
        check_integer("rounds", self.rounds, 1)

    @classmethod
    def of(cls, sharing: AdaShared, steps: int) -> "PolicySearch":
        """A search of about so many steps, all in all."""
        turns = (max(1, steps // (2 * ROUNDS)),) * 2
        rounds = max(2, steps // sum(turns))
        warm_up = max(1, round(WARM_UP * rounds))
        return cls(sharing, turns, warm_up, rounds - warm_up)

    @property
    def steps(self) -> int:
        """Of all rounds."""
        return (self.warm_up + self.rounds) * sum(self.turns)

    def batches(self, examples: Any, outputs: Any, batch_size: int, seed: int) -> Any:
        """The training examples in two parts, for the weights and for the policy, by turns."""
        order = np.random.default_rng(seed).permutation(len(examples))
        cut = min(len(order) - 1, max(1, round(len(order) * (1 - self.images))))
        weights, policy = (
            examples.some(np.sort(rows)).batches(outputs, batch_size, seed)
            for rows in (order[:cut], order[cut:])
        )
        return AlternatingBatches(weights, policy, steps=self.turns)

    def by_turns(self, warm_up: Callable[..., keras.optimizers.Optimizer]) -> Alternating:
        """Turns of an optimizer of the weights, and one of the policy.

        Args:
            warm_up: function that returns a new optimizer of the weights, of the kind of
                another one if that is given.
        """
        return Alternating(
            warm_up() if self.optimizer is None else warm_up(self.optimizer),
            keras.optimizers.Adam(self.rate, weight_decay=self.weight_decay),
            steps=self.turns,
            warm_up=warm_up(),
            warm_up_steps=self.warm_up * sum(self.turns),
        )

    def callbacks(self, log: PathLike) -> list[keras.callbacks.Callback]:
        """What makes it a search, and writes the policy's evolution to a file."""
        decay = 0.965 ** (100 / self.rounds) if self.decay is None else self.decay
        return [
            AdaShareSchedule(self.warm_up, decay=decay, blocks_every=self.blocks_every),
            PolicyLogger(log),
        ]

    def described(self) -> Config:
        """What decides what is found, as data."""
        config = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        config["sharing"] = keras.saving.serialize_keras_object(self.sharing)
        if self.optimizer is not None:
            config["optimizer"] = keras.optimizers.serialize(self.optimizer)
        return config
