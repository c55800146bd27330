"""The schedule is a function of the epoch, and what the compiled step sees."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from policy_models import BLOCKS, STEPS, TASKS, fit, make_model, policy_of

from keras_mtl.callbacks import AdaShareSchedule
from keras_mtl.optimizers import Alternating


class Witness(keras.callbacks.Callback):
    """Keeps, behind every batch, the temperature, the blocks under the policy and the logits."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_train_batch_end(self, batch, logs=None):
        policy = policy_of(self.model)
        variables = (policy.temperature, policy.active_blocks, policy.logits)
        self.found.append([ops.convert_to_numpy(variable) for variable in variables])


def test_warm_up_curriculum_and_temperature(rng):
    model = make_model(rng)
    logits = ops.convert_to_numpy(policy_of(model).logits)
    schedule, witness = AdaShareSchedule(2, 4.0, 0.5, blocks_every=2), Witness()
    history = fit(model, [schedule, witness], epochs=8, batch_size=8).history  # a batch an epoch
    temperatures = [4, 4, 4, 2, 1, 0.5, 0.25, 0.125]
    blocks = [0, 0, 1, 1, 2, 2, 3, 3]
    np.testing.assert_array_equal([found[0] for found in witness.found], temperatures)
    assert [int(found[1]) for found in witness.found] == blocks
    assert history["temperature"] == temperatures and history["active_blocks"] == blocks
    # The policy's loss moves the logits of the blocks that are under it, the last ones.
    for (_, _, after), count in zip(witness.found, blocks, strict=True):
        moved = (after != logits).any(axis=(0, 2))
        np.testing.assert_array_equal(moved, np.arange(len(BLOCKS)) >= len(BLOCKS) - count)
        logits = after

    other, resumed = make_model(rng), Witness()
    fit(other, [AdaShareSchedule(2, 4.0, 0.5, blocks_every=2), resumed], epochs=6, initial_epoch=5)
    assert [found[:2] for found in resumed.found] == [witness.found[5][:2]] * len(resumed.found)


def at(epoch, *args, **kwargs):
    """Temperature and blocks under the policy when an epoch has begun."""
    model = make_model(np.random.default_rng(0))
    schedule = AdaShareSchedule(*args, **kwargs)
    schedule.set_model(model)
    schedule.on_epoch_begin(epoch)
    policy = policy_of(model)
    return float(policy.temperature), int(policy.active_blocks)


def test_the_values_of_the_paper():
    assert at(0, 0) == (5, 1)
    assert at(19, 20) == (5, 0)
    assert at(20, 20) == (5, 1)
    np.testing.assert_allclose(at(50, 20), (5 * 0.965**30, 3), rtol=1e-6)
    np.testing.assert_allclose(at(25, 20, blocks_every=3), (5 * 0.965**5, 2), rtol=1e-6)


def test_without_a_curriculum_all_blocks_come_at_once():
    assert [at(epoch, 1, blocks_every=None)[1] for epoch in (0, 1, 2)] == [0, 3, 3]


def test_a_policy_in_a_model_within_the_model(rng):
    model = make_model(rng, nested=True)
    schedule = AdaShareSchedule(1)
    schedule.set_model(model)
    schedule.on_epoch_begin(0)
    assert int(model.get_layer("inner").get_layer("skip_policy").active_blocks) == 0


@pytest.mark.parametrize(
    "steps, warm_up_steps, fits",
    [((3, 1), 2 * STEPS, True), ((2, 1), 2 * STEPS, False), ((3, 1), STEPS, False)],
)
def test_an_optimizer_of_another_rhythm_is_refused(rng, steps, warm_up_steps, fits):
    model = make_model(rng)
    stock = [keras.optimizers.SGD(0.1) for _ in range(2)]
    model.compile(Alternating(*stock, steps=steps, warm_up_steps=warm_up_steps), "mse")
    schedule = AdaShareSchedule(2)
    schedule.set_model(model)
    schedule.set_params({"steps": STEPS})
    if fits:
        schedule.on_train_begin()
        return
    with pytest.raises(ValueError, match="optimizer must have as many steps.*4 and 8.*Received"):
        schedule.on_train_begin()


def test_a_model_without_a_policy_is_refused():
    x = keras.Input((3,))
    model = keras.Model(x, {task: layers.Dense(1, name=task)(x) for task in TASKS}, name="plain")
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="must have one SkipPolicy.*'plain'"):
        fit(model, [AdaShareSchedule(1)], epochs=1)


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"warm_up_epochs": -1}, "`warm_up_epochs` must be .* >= 0.*-1"),
        ({"warm_up_epochs": 1.5}, "`warm_up_epochs`.*1.5"),
        ({"warm_up_epochs": None}, "`warm_up_epochs`.*None"),
        ({"temperature": 0}, "`temperature` must be positive.*0"),
        ({"temperature": float("nan")}, "`temperature`.*nan"),
        ({"decay": 0}, "`decay` must be above 0"),
        ({"decay": 1.01}, "`decay`.*1.01"),
        ({"blocks_every": 0}, "`blocks_every` must be .* >= 1.*0"),
        ({"blocks_every": True}, "`blocks_every`.*True"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        AdaShareSchedule(**{"warm_up_epochs": 1, **kwargs})
