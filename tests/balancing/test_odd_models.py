"""Where plain Keras does the right thing, so does a step with a balancing of equal weights."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_mtl
from keras_mtl.balancing import EqualWeights, FixedWeights, NashMTL

BALANCINGS = {
    "losses": lambda: FixedWeights({}),
    "features": lambda: EqualWeights(at="features"),
    "weights": lambda: EqualWeights(at="weights"),
    "weights, seldom": lambda: EqualWeights(at="weights", every=2),
}


@keras.saving.register_keras_serializable("test")
class Noisy(layers.Layer):
    """Dropout as some write it, which is off where nobody says that it is training."""

    def __init__(self, **options):
        super().__init__(**options)
        self.dropout = layers.Dropout(0.3, seed=2)

    def call(self, x, training=False):
        return self.dropout(x, training=training)


@keras.saving.register_keras_serializable("test")
class TwoSummed(layers.Layer):
    """Two variables that have one and the same gradient."""

    def build(self, shape):
        self.p, self.q = (self.add_weight(shape=(shape[-1], 4), name=name) for name in "pq")

    def call(self, x):
        return ops.matmul(x, self.p + self.q)


@keras.saving.register_keras_serializable("test")
class Adding(layers.Layer):
    """A loss of no task."""

    def call(self, x):
        self.add_loss(0.1 * ops.mean(ops.square(x)))
        return x


def vector():
    return keras.Input((5,))


def ends(h):
    return {task: layers.Dense(1, name=task)(h) for task in "ba"}


def dropout_in_heads():
    x = vector()
    h = layers.Dropout(0.3, seed=1)(layers.Dense(6, "tanh")(x))
    noisy = {"dropout": layers.Dropout(0.3, seed=3), "noisy": Noisy()}
    return keras.Model(
        x, {task: layers.Dense(1)(each(h)) for task, each in zip("ba", noisy.values(), strict=True)}
    )


def statistics_in_heads():
    x = vector()
    h = layers.Dense(6, "tanh")(x)
    normal = {
        "b": layers.BatchNormalization()(h, training=False),
        "a": layers.BatchNormalization()(h),
    }
    return keras.Model(x, {task: layers.Dense(1)(each) for task, each in normal.items()})


def summed_variables():
    x = vector()
    return keras.Model(x, ends(TwoSummed()(x)))


def masked_steps():
    x = keras.Input((3,), dtype="int32")
    h = layers.Embedding(4, 5, mask_zero=True)(x)
    return keras.Model(x, {"b": layers.Dense(1)(layers.LSTM(3)(h)), "a": layers.Dense(1)(h)})


def a_branch_without_a_loss():
    x = vector()
    h = layers.Dense(6, "tanh")(x)
    deeper = layers.Dense(6, "tanh")(h)
    return keras.Model(x, {**ends(deeper), "free": Adding()(layers.Dense(2)(h))})


def one_output_reads_another():
    x = vector()
    h = layers.Dense(6, "tanh")(x)
    first = layers.Dense(2)(h)
    return keras.Model(x, {"b": first, "a": layers.Dense(1)(layers.Concatenate()([h, first]))})


def a_layer_called_twice():
    x = vector()
    shared = layers.Dense(5, "tanh")
    return keras.Model(x, {"b": layers.Dense(1)(shared(x)), "a": layers.Dense(1)(shared(-x))})


MODELS = (
    *(dropout_in_heads, statistics_in_heads, summed_variables, masked_steps),
    *(a_branch_without_a_loss, one_output_reads_another, a_layer_called_twice),
)


def data(model, rng, rows=8):
    shape = (rows, *model.input.shape[1:])
    x = rng.normal(size=shape).astype("float32")
    if model.input.dtype == "int32":
        x = rng.integers(0, 4, shape)
    shapes = {task: (rows, *model.output[task].shape[1:]) for task in "ba"}
    return x, {task: rng.normal(size=each).astype("float32") for task, each in shapes.items()}


def trained(make, start, x, y, balancing, **options):
    plain = make()
    plain.set_weights(start)
    # Without one it is plain training, too, in which masked and missing labels do not count.
    model = keras_mtl.balanced(plain)
    optimizer = options.get("optimizer") or keras.optimizers.SGD(0.3)
    model.compile(optimizer, {**dict.fromkeys("ba", "mse"), **free(plain)}, balancing=balancing)
    losses = [model.train_on_batch(x, y, return_dict=True)["loss"] for _ in range(2)]
    return losses, [ops.convert_to_numpy(v) for v in plain.weights]


def free(model):
    return {name: None for name in model.output if name not in "ba"}


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_equal_weights_are_plain_training(make, rng):
    model = make()
    start, (x, y) = model.get_weights(), data(model, rng)
    losses, expected = trained(make, start, x, y, None)
    assert any(np.abs(a - b).max() > 1e-3 for a, b in zip(start, expected, strict=True))
    for name, method in BALANCINGS.items():
        of_balanced, found = trained(make, start, x, y, method())
        np.testing.assert_allclose(of_balanced, losses, rtol=1e-4, err_msg=name)
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6, err_msg=name)


def in_half_precision():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        x = vector()
        return keras.Model(x, ends(layers.Dense(6, "tanh")(x)))
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("name", BALANCINGS)
def test_a_scale_that_is_too_large_falls(name, rng):
    """An overflow in half precision is seen by the optimizer, and no balancing hides it."""
    plain = in_half_precision()
    optimizer = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.SGD(1e-4), initial_scale=2.0**15
    )
    model = keras_mtl.balanced(plain)
    model.compile(optimizer, dict.fromkeys("ba", "mse"), balancing=BALANCINGS[name]())
    x, y = data(plain, rng, rows=1)
    before = plain.get_weights()
    for _ in range(12):
        model.train_on_batch(x, {task: 100 * np.ones_like(each) for task, each in y.items()})
    assert float(ops.convert_to_numpy(optimizer.dynamic_scale)) < 2.0**13
    after = plain.get_weights()
    assert all(np.isfinite(each).all() for each in after)
    assert any(np.abs(a - b).max() > 0 for a, b in zip(before, after, strict=True))
    assert np.isfinite(ops.convert_to_numpy(model.balancing.in_effect)).all()


def test_weights_that_half_precision_has_no_number_for(rng):
    plain = in_half_precision()
    model = keras_mtl.balanced(plain)
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1e-3), 2.0**10)
    model.compile(
        optimizer, dict.fromkeys("ba", "mse"), balancing=NashMTL(at="features"),
        loss_weights=dict.fromkeys("ba", 1e-6),
    )  # fmt: skip
    (x, y), before = data(plain, rng), plain.get_weights()[0]
    for _ in range(12):
        model.train_on_batch(x, y)
    assert ops.convert_to_numpy(model.balancing.in_effect).max() > 65504
    assert np.abs(plain.get_weights()[0] - before).max() > 0


def test_a_task_without_a_say_keeps_its_weight(rng):
    """A step that asks for weights has no label of it; the next ones, which do not ask, have."""
    x = vector()
    plain = keras.Model(x, ends(layers.Dense(6, "tanh")(x)))
    model = keras_mtl.balanced(plain)
    model.compile(keras.optimizers.SGD(0.0), dict.fromkeys("ba", "mse"), balancing=NashMTL(every=2))
    x, y = data(plain, rng)
    without = {**y, "a": np.full_like(y["a"], np.nan)}
    for labels in (y, y, without, y):
        model.train_on_batch(x, labels)
        found = ops.convert_to_numpy(model.balancing.in_effect)
        assert found[1] != 1


@pytest.mark.one_backend
def test_one_model_each(rng):
    x = vector()
    models = [keras_mtl.balanced(keras.Model(x, ends(layers.Dense(3)(x)))) for _ in range(2)]
    method = FixedWeights({})
    models[0].compile("sgd", "mse", balancing=method)
    with pytest.raises(ValueError, match="one of its own for each model"):
        models[1].compile("sgd", "mse", balancing=method)

    class Own(keras.Model):
        def train_step(self, data):
            return {}

    with pytest.raises(TypeError, match="train_step"):
        keras_mtl.balanced(Own(x, ends(layers.Dense(3)(x))))
