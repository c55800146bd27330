"""How AdaShare's policy takes hold of a network, round by round."""

from typing import Any

import keras

from keras_mtl._checks import check_integer
from keras_mtl.optimizers import Alternating
from keras_mtl.sharing._skip_policy_of import skip_policy_of


class AdaShareSchedule(keras.callbacks.Callback):
    """Warm-up, curriculum and temperature of a model's `SkipPolicy`, one round an epoch.

    While warming up, no block is under the policy: all tasks execute all blocks. Then round r, from
    0, puts the last `r // blocks_every + 1` blocks under the policy, the deepest first, and draws
    with the temperature `temperature · decay^r`. `keras_mtl.datasets.AlternatingBatches` makes an
    epoch a round.

    Both are set when an epoch begins, from its number alone: a run that goes on with
    `initial_epoch=k` is where an uninterrupted run is. They are in the logs of each epoch as
    `temperature` and `active_blocks`, and so in the history.

    Source: Sun et al., "AdaShare: Learning What to Share for Efficient Deep Multi-Task Learning",
    NeurIPS 2020, section 3; the decay from the authors' program.

    Args:
        warm_up_epochs: number of epochs before the policy starts.
        temperature: temperature of the first round, and while warming up.
        decay: factor on the temperature from one round to the next.
        blocks_every: rounds until a further block comes under the policy; `None` for all of them
            from the first round on.

    Raises:
        ValueError: an argument is out of range; when training starts: the model has no policy, or
            an `Alternating` optimizer whose turns and warm-up are not those of the epochs.

    Example:

    >>> import keras_mtl
    >>> schedule = keras_mtl.callbacks.AdaShareSchedule(warm_up_epochs=20, blocks_every=3)

    and then `model.fit(…, callbacks=[schedule])`.
    """

    def __init__(
        self,
        warm_up_epochs: int,
        temperature: float = 5.0,
        decay: float = 0.965,
        blocks_every: int | None = 1,
    ) -> None:
        super().__init__()
        self.warm_up_epochs = check_integer("warm_up_epochs", warm_up_epochs, 0)
        self.blocks_every = blocks_every
        if blocks_every is not None:
            self.blocks_every = check_integer("blocks_every", blocks_every, 1)
        if not 0 < temperature < float("inf"):
            raise ValueError(f"`temperature` must be positive. Received: {temperature!r}.")
        self.temperature = temperature
        if not 0 < decay <= 1:
            raise ValueError(f"`decay` must be above 0 and at most 1. Received: {decay!r}.")
        self.decay = decay

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        optimizer, steps = self.model.optimizer, self.params.get("steps")
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # of a LossScaleOptimizer
        if isinstance(optimizer, Alternating) and steps is not None:
            wanted = self.warm_up_epochs * steps
            if sum(optimizer.steps) != steps or optimizer.warm_up_steps != wanted:
                raise ValueError(
                    "The optimizer must have as many steps a round as an epoch, and as many to "
                    f"warm up as {self.warm_up_epochs} epochs: {steps} and {wanted}. Received: "
                    f"Alternating(steps={optimizer.steps}, "
                    f"warm_up_steps={optimizer.warm_up_steps})."
                )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # `self.model` first: on JAX it brings the variables up to date, and later would undo this.
        policy = skip_policy_of(self.model)
        self._now = self._at(epoch, len(policy.blocks))
        policy.temperature.assign(self._now["temperature"])
        policy.active_blocks.assign(self._now["active_blocks"])

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs.update(self._now)

    def _at(self, epoch, num_blocks):
        """Temperature and number of blocks under the policy in an epoch."""
        if epoch < self.warm_up_epochs:
            return {"temperature": self.temperature, "active_blocks": 0}
        rounds = epoch - self.warm_up_epochs
        blocks = num_blocks if self.blocks_every is None else rounds // self.blocks_every + 1
        return {
            "temperature": self.temperature * self.decay**rounds,
            "active_blocks": min(blocks, num_blocks),
        }
