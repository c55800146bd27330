"""The factory, the classes' way through a config, and the hooks of Keras that all stands on."""

import copy
import inspect
import json
import pickle

import keras
import numpy as np
import pytest

from keras_mtl.optimizers import (
    SGD,
    Adam,
    AdamW,
    LearningRateMultipliers,
    with_learning_rate_multipliers,
)

RMSprop = with_learning_rate_multipliers(keras.optimizers.RMSprop)


def variables():
    return [keras.Variable(np.ones(2, "float32"), name=n) for n in ("kernel", "bias", "alpha")]


def gradients():
    return [keras.ops.ones((2,)) for _ in range(3)]


@pytest.mark.parametrize("make", [SGD, Adam, AdamW, RMSprop], ids=lambda c: c.__name__)
def test_config_round_trip(make):
    optimizer = make(
        0.5, weight_decay=0.1, learning_rate_multipliers={"b": np.float32(2), "a/.*": 3}
    )
    config = json.loads(json.dumps(keras.optimizers.serialize(optimizer)))
    assert config["registered_name"] == f"keras_mtl>{make.__name__}"
    assert config["config"]["learning_rate_multipliers"] == {"b": 2.0, "a/.*": 3.0}
    again = keras.optimizers.deserialize(config)
    assert type(again) is make
    assert again.get_config() == optimizer.get_config()
    assert list(again.learning_rate_multipliers) == ["b", "a/.*"]


def test_the_config_is_a_copy():
    optimizer = SGD(0.5, learning_rate_multipliers={"a": 2.0})
    optimizer.get_config()["learning_rate_multipliers"]["b"] = 3.0
    assert optimizer.get_config()["learning_rate_multipliers"] == {"a": 2.0}


@pytest.mark.parametrize("make", [SGD, RMSprop], ids=lambda c: c.__name__)
def test_pickle_and_deepcopy(make):
    optimizer = make(0.5, momentum=0.5, learning_rate_multipliers={"alpha": 2.0})
    for again in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert type(again) is make
        assert again.get_config() == optimizer.get_config()


def test_the_factory_returns_one_class_which_is_the_optimizer():
    assert with_learning_rate_multipliers(keras.optimizers.RMSprop) is RMSprop
    assert with_learning_rate_multipliers(RMSprop) is RMSprop
    assert with_learning_rate_multipliers(SGD) is SGD
    assert issubclass(RMSprop, keras.optimizers.RMSprop)
    assert issubclass(RMSprop, LearningRateMultipliers)


def test_a_registered_optimizer_keeps_its_package():
    @keras.saving.register_keras_serializable("mine")
    class Halved(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            super().update_step(gradient, variable, learning_rate / 2)

    made = with_learning_rate_multipliers(Halved)
    assert keras.saving.get_registered_name(made) == "mine>HalvedWithMultipliers"
    tested = variables()
    made(0.1, learning_rate_multipliers={"alpha": 4.0}).apply(gradients(), tested)
    values = [keras.ops.convert_to_numpy(v)[0] for v in tested]
    np.testing.assert_allclose(values, [0.95, 0.95, 0.8], rtol=1e-6)


@pytest.mark.parametrize(
    "refused, message",
    [
        (keras.optimizers.Nadam, "Nadam advances state of its own once a step"),
        (type(keras.optimizers.Nadam()), "Nadam advances state of its own once a step"),
        (keras.optimizers.LossScaleOptimizer, "wraps optimizers"),
        (keras.optimizers.MultiOptimizer, "wraps optimizers"),
        (keras.layers.Dense, "must be a subclass of keras.optimizers.Optimizer"),
        ("sgd", "must be a subclass of keras.optimizers.Optimizer"),
    ],
)
def test_what_cannot_have_multipliers_is_refused(refused, message):
    with pytest.raises(ValueError, match=message):
        with_learning_rate_multipliers(refused)


@pytest.mark.parametrize("make", [SGD, Adam, AdamW, RMSprop], ids=lambda c: c.__name__)
def test_the_implementation_is_the_one_that_keras_takes(make):
    # On torch an instance of a stock class is of a fused subclass; ours must derive from that.
    stock = getattr(keras.optimizers, make.__name__.removesuffix("WithMultipliers"))
    assert issubclass(make, type(stock()))


def spied(monkeypatch):
    """Records the calls of the update of stock SGD."""
    stock = type(keras.optimizers.SGD())
    original, calls = stock._backend_update_step, []

    def spy(self, grads, trainable_variables, learning_rate):
        calls.append((len(grads), [v.name for v in trainable_variables], learning_rate))
        return original(self, grads, trainable_variables, learning_rate)

    monkeypatch.setattr(stock, "_backend_update_step", spy)
    return calls


def test_a_step_makes_one_update_for_each_factor(monkeypatch):
    calls = spied(monkeypatch)
    SGD(0.1, learning_rate_multipliers={"alpha": 2.0}).apply(gradients(), variables())
    assert [call[:2] for call in calls] == [(2, ["kernel", "bias"]), (1, ["alpha"])]
    assert [float(call[2]) for call in calls] == pytest.approx([0.1, 0.2])


def test_without_factors_the_stock_update_runs_untouched(monkeypatch):
    calls = spied(monkeypatch)
    optimizer = SGD(0.1)
    optimizer.apply(gradients(), variables())
    ((count, _, rate),) = calls
    assert count == 3 and rate is optimizer.learning_rate


def test_the_private_hooks_of_keras_are_as_we_use_them(monkeypatch):
    """If this fails after an update of Keras, read `base_optimizer.py` before anything else.

    The mixin overrides four private methods, since Keras has no learning rate for each variable.
    """
    stock = keras.optimizers.Optimizer
    for name, expected in {
        "_backend_update_step": ["self", "grads", "trainable_variables", "learning_rate"],
        "_apply_weight_decay": ["self", "variables"],
        "_use_weight_decay": ["self", "variable"],
        "_get_current_learning_rate": ["self"],
        "_get_variable_index": ["self", "variable"],
    }.items():
        assert list(inspect.signature(getattr(stock, name)).parameters) == expected, name
    calls = spied(monkeypatch)
    keras.optimizers.SGD(0.1).apply(gradients(), variables())
    assert [call[0] for call in calls] == [3], "apply() no longer makes one update for a step"


def test_keras_has_no_learning_rates_for_single_variables_yet():
    """If this fails, Keras may have got them: then drop the mixin for what Keras offers.

    Either a new argument of every optimizer came, or a variable's attribute counts.
    """
    arguments = set()
    for cls in keras.optimizers.Optimizer.__mro__:
        if "__init__" in vars(cls):
            arguments |= set(inspect.signature(cls.__init__).parameters)
    known = """self args kwargs name learning_rate weight_decay clipnorm clipvalue global_clipnorm
        use_ema ema_momentum ema_overwrite_frequency loss_scale_factor gradient_accumulation_steps
        """.split()
    assert arguments <= set(known), "a new argument of keras.optimizers.Optimizer"
    tested = variables()
    tested[2].learning_rate_multiplier = 100.0
    keras.optimizers.SGD(0.1).apply(gradients(), tested)
    assert float(tested[2][0]) == pytest.approx(0.9)
