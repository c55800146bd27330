"""The oracle: one Keras optimizer for each learning rate, under `MultiOptimizer`."""

import keras
import numpy as np
import pytest

from keras_mtl.optimizers import SGD, Adam, AdamW, with_learning_rate_multipliers

STEPS = 4
FACTORS = {"alpha": 10.0, "gate": 0.25}
SHAPES = {"kernel": (3, 4), "alpha": (2, 2), "gate": (3, 1)}


def decaying_rate():
    return keras.optimizers.schedules.ExponentialDecay(0.02, decay_steps=2, decay_rate=0.5)


CASES = {
    "sgd": (SGD, {}),
    "momentum": (SGD, {"momentum": 0.9}),
    "nesterov": (SGD, {"momentum": 0.9, "nesterov": True}),
    "clipnorm": (SGD, {"momentum": 0.9, "clipnorm": 0.5}),
    "clipvalue": (SGD, {"momentum": 0.9, "clipvalue": 0.1}),
    "weight_decay": (SGD, {"momentum": 0.9, "weight_decay": 0.3}),
    "ema": (SGD, {"use_ema": True, "ema_momentum": 0.7, "ema_overwrite_frequency": 2}),
    "accumulation": (SGD, {"momentum": 0.9, "gradient_accumulation_steps": 2}),
    "loss_scale": (SGD, {"loss_scale_factor": 8.0}),
    "schedule": (SGD, {"learning_rate": decaying_rate(), "momentum": 0.9, "weight_decay": 0.3}),
    "adam": (Adam, {}),
    "adam_all": (
        Adam,
        {
            "learning_rate": decaying_rate(),
            "amsgrad": True,
            "clipnorm": 0.5,
            "weight_decay": 0.3,
            "use_ema": True,
            "ema_overwrite_frequency": 3,
        },
    ),
    "adamw": (AdamW, {"weight_decay": 0.3}),
}
OTHERS = [
    keras.optimizers.Adafactor,
    keras.optimizers.Adagrad,
    keras.optimizers.Adamax,
    keras.optimizers.Lion,
    keras.optimizers.Muon,
    keras.optimizers.RMSprop,
    keras.optimizers.ScheduleFreeAdamW,
]


def numpy_data(seed=0):
    rng = np.random.default_rng(seed)
    draw = lambda: [rng.normal(size=s).astype("float32") for s in SHAPES.values()]  # noqa: E731
    return draw(), [draw() for _ in range(STEPS)]


def train(optimizer, values, gradients):
    variables = [
        keras.Variable(v, name=n, dtype="float32") for n, v in zip(SHAPES, values, strict=True)
    ]
    for step in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in step], variables)
    optimizer.finalize_variable_values(variables)
    return [keras.ops.convert_to_numpy(v) for v in variables]


def scaled(rate, factor):
    if isinstance(rate, float):
        return rate * factor
    config = rate.get_config()
    config["initial_learning_rate"] *= factor
    return type(rate)(**config)


def oracle(optimizer_class, learning_rate, loss_scale_factor=None, **kwargs):
    default, *rest = [
        optimizer_class(scaled(learning_rate, factor), **kwargs)
        for factor in (1.0, *FACTORS.values())
    ]
    groups = keras.optimizers.OptimizerMap(default, dict(zip(FACTORS, rest, strict=True)))
    return keras.optimizers.MultiOptimizer(groups, loss_scale_factor=loss_scale_factor)


def check(optimizer_class, stock_class, kwargs):
    kwargs = {"learning_rate": 0.02, **kwargs}
    values, gradients = numpy_data()
    ours = train(optimizer_class(learning_rate_multipliers=FACTORS, **kwargs), values, gradients)
    expected = train(oracle(stock_class, **kwargs), values, gradients)
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-6)
    plain = train(stock_class(**kwargs), values, gradients)
    assert np.max(np.abs(plain[1] - ours[1])) > 1e-4, "the case does not feel the factor"


@pytest.mark.parametrize("case", CASES)
def test_each_group_is_trained_as_by_an_optimizer_of_its_own(case):
    optimizer_class, kwargs = CASES[case]
    check(optimizer_class, getattr(keras.optimizers, optimizer_class.__name__), kwargs)


@pytest.mark.parametrize("stock_class", OTHERS, ids=lambda c: c.__name__)
def test_other_optimizers_of_keras(stock_class):
    check(with_learning_rate_multipliers(stock_class), stock_class, {"weight_decay": 0.3})


@pytest.mark.parametrize("factors", [None, {}, {"alpha": 1.0}])
def test_without_effective_factors_the_numbers_are_those_of_keras(factors):
    values, gradients = numpy_data()
    kwargs = {"momentum": 0.9, "weight_decay": 0.3, "global_clipnorm": 1.0}
    ours = train(SGD(0.02, learning_rate_multipliers=factors, **kwargs), values, gradients)
    expected = train(keras.optimizers.SGD(0.02, **kwargs), values, gradients)
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(a, b)
