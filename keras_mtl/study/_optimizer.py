"""The optimizer of a training, with the rate of its part of the steps."""

from typing import Any

import keras
import numpy as np


def check_optimizer(optimizer: Any) -> None:
    """Raises a `TypeError` unless it is a Keras optimizer, or `None`."""
    if optimizer is not None and not isinstance(optimizer, keras.optimizers.Optimizer):
        raise TypeError(
            "`optimizer` must be a Keras optimizer, such as `keras_mtl.optimizers.Adam(1e-3)`. "
            f"Received: optimizer={optimizer!r}."
        )


def has_loss_scale(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether it scales the loss, as for float16."""
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def optimizer_of(
    training: Any, optimizer: keras.optimizers.Optimizer
) -> keras.optimizers.Optimizer:
    """A new optimizer of the same kind, at the rate of a `Training`.

    A rate that is a number rises or falls as the training says; a schedule is but multiplied.
    """
    config = optimizer.get_config()
    rate = config.get("learning_rate")
    if has_loss_scale(optimizer):
        inner = optimizer_of(training, optimizer.inner_optimizer)
        config["inner_optimizer"] = keras.optimizers.serialize(inner)
    elif isinstance(rate, (int, float)):
        # The number that was given: Keras returns what a float32 makes of it.
        config["learning_rate"] = _schedule(training, float(str(np.float32(rate))))
    elif training.rate != 1:
        schedule = keras.optimizers.schedules.deserialize(rate)
        config["learning_rate"] = keras.optimizers.schedules.serialize(
            Multiplied(schedule, training.rate)
        )
    return type(optimizer).from_config(config)


@keras.saving.register_keras_serializable("keras_mtl")
class Multiplied(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule times a factor."""

    def __init__(self, schedule, factor):
        if isinstance(schedule, dict):
            schedule = keras.optimizers.schedules.deserialize(schedule)
        self.schedule, self.factor = schedule, factor

    def __call__(self, step):
        return self.factor * self.schedule(step)

    def get_config(self):
        schedule = keras.optimizers.schedules.serialize(self.schedule)
        return {"schedule": schedule, "factor": self.factor}


def _schedule(training, rate):
    """The configuration of a training's rate, of the optimizer's."""
    rate, steps = rate * training.rate, training.steps
    schedules = keras.optimizers.schedules
    if training.schedule == "falling":
        schedule = schedules.CosineDecay(rate, steps)
    elif training.schedule == "rising" and steps >= 10:
        schedule = schedules.CosineDecay(
            rate / 10, 1, alpha=1.0, warmup_target=rate, warmup_steps=steps // 10
        )
    elif training.falls is not None:
        every, factor, before = training.falls
        # It goes on where the part before has ended.
        fallen = before // every
        boundaries = list(range((fallen + 1) * every - before, steps, every))
        rates = [rate * factor ** (fallen + number) for number in range(len(boundaries) + 1)]
        if not boundaries:
            return rates[0]
        schedule = schedules.PiecewiseConstantDecay(boundaries, rates)
    else:
        return rate
    return schedules.serialize(schedule)
