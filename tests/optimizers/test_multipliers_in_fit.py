"""Multipliers within `compile`, `fit`, callbacks, mixed precision, saving and resuming."""

import keras
import numpy as np
import pytest

from keras_mtl.optimizers import SGD, Adam

FACTOR = 8.0


@keras.saving.register_keras_serializable("keras_mtl_tests")
class Scale(keras.layers.Layer):
    """Stands for a unit such as the cross-stitch, which marks its own weights."""

    def build(self, input_shape):
        self.alpha = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="alpha")
        self.alpha.learning_rate_multiplier = FACTOR
        self.alpha.weight_decay_exempt = True

    def call(self, inputs):
        return inputs * self.alpha


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, 5)).astype("float32")
    y = {"left": x @ rng.normal(size=(5, 2)), "right": x @ rng.normal(size=(5, 2))}
    return x, {name: value.astype("float32") for name, value in y.items()}


def two_branches(optimizer, dtype="float32"):
    """Two layers side by side: neither sees how fast the other trains."""
    inputs = keras.Input((5,))
    outputs = {n: keras.layers.Dense(2, name=n, dtype=dtype)(inputs) for n in ("left", "right")}
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=w.shape) for w in model.weights])
    model.compile(optimizer, loss={"left": "mse", "right": "mse"})
    return model


def fit(model, epochs=3, initial_epoch=0, **kwargs):
    return model.fit(
        *data(),
        batch_size=8,
        shuffle=False,
        epochs=epochs,
        initial_epoch=initial_epoch,
        verbose=0,
        **kwargs,
    )


def kernels(model):
    return [keras.ops.convert_to_numpy(model.get_layer(n).kernel) for n in ("left", "right")]


def check_branches(ours, slow, fast, **tolerance):
    """`left` went as in a model trained at the rate, `right` as in one at `FACTOR` times that."""
    left, right = kernels(ours)
    np.testing.assert_allclose(left, kernels(slow)[0], **tolerance)
    np.testing.assert_allclose(right, kernels(fast)[1], **tolerance)
    assert np.max(np.abs(right - kernels(slow)[1])) > 1e-3


def test_fit_with_a_learning_rate_scheduler():
    def scheduler(scale):
        rate = lambda epoch: scale * 0.01 / (1 + epoch)  # noqa: E731
        return keras.callbacks.LearningRateScheduler(rate)

    stock = keras.optimizers.Adam
    ours = two_branches(Adam(1.0, learning_rate_multipliers={"^right/": FACTOR}))
    slow, fast = two_branches(stock(1.0)), two_branches(stock(1.0))
    history = fit(ours, callbacks=[scheduler(1.0)]).history
    fit(slow, callbacks=[scheduler(1.0)])
    fit(fast, callbacks=[scheduler(FACTOR)])
    np.testing.assert_allclose(history["learning_rate"], [0.01, 0.005, 0.01 / 3], rtol=1e-6)
    check_branches(ours, slow, fast, rtol=1e-5, atol=1e-6)


def test_mixed_float16_under_a_loss_scale_optimizer():
    def model(optimizer):
        wrapped = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=16.0)
        return two_branches(wrapped, dtype="mixed_float16")

    stock = keras.optimizers.SGD
    ours = model(SGD(0.005, momentum=0.9, learning_rate_multipliers={"right": FACTOR}))
    slow, fast = model(stock(0.005, momentum=0.9)), model(stock(0.005 * FACTOR, momentum=0.9))
    for m in (ours, slow, fast):
        fit(m)
    check_branches(ours, slow, fast, rtol=1e-2, atol=1e-3)


def test_gradient_accumulation_clipping_and_ema_in_fit():
    kwargs = {"clipnorm": 0.5, "use_ema": True, "gradient_accumulation_steps": 2}
    stock = keras.optimizers.SGD
    ours = two_branches(SGD(0.02, learning_rate_multipliers={"right": FACTOR}, **kwargs))
    slow = two_branches(stock(0.02, **kwargs))
    fast = two_branches(stock(0.02 * FACTOR, **kwargs))
    for m in (ours, slow, fast):
        fit(m)
    check_branches(ours, slow, fast, rtol=1e-5, atol=1e-6)


def test_a_layer_marks_its_own_weights():
    model = keras.Sequential([keras.Input((5,)), Scale(name="unit"), keras.layers.Dense(2)])
    x, y = data()
    model.compile(SGD(0.01, weight_decay=0.1), loss="mse")
    zero = np.zeros_like(x)
    kernel = keras.ops.convert_to_numpy(model.layers[-1].kernel)
    model.train_on_batch(zero, y["left"])  # no gradient but that of the bias: only decay acts
    alpha = keras.ops.convert_to_numpy(model.get_layer("unit").alpha)
    np.testing.assert_array_equal(alpha, np.ones(5))
    np.testing.assert_allclose(model.layers[-1].kernel, kernel * (1 - 0.01 * 0.1), rtol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda factors: SGD(
            keras.optimizers.schedules.CosineDecay(0.02, 8),
            momentum=0.9,
            weight_decay=0.1,
            learning_rate_multipliers=factors,
        ),
        lambda factors: keras.optimizers.LossScaleOptimizer(
            Adam(0.01, gradient_accumulation_steps=3, learning_rate_multipliers=factors)
        ),
    ],
    ids=["sgd_schedule", "adam_loss_scale"],
)
def test_a_resumed_run_continues_bit_for_bit(make, tmp_path):
    def model():
        inputs = keras.Input((5,))
        hidden = Scale(name="unit")(inputs)
        outputs = {n: keras.layers.Dense(2, name=n)(hidden) for n in ("left", "right")}
        made = keras.Model(inputs, outputs)
        rng = np.random.default_rng(3)
        made.set_weights([rng.normal(size=w.shape) for w in made.weights])
        made.compile(make({"right": FACTOR, "bias": 2.0}), loss={"left": "mse", "right": "mse"})
        return made

    whole, part = model(), model()
    fit(whole, epochs=4)
    fit(part, epochs=2)
    part.save(tmp_path / "part.keras")
    resumed = keras.saving.load_model(tmp_path / "part.keras")
    fit(resumed, epochs=4, initial_epoch=2)
    assert type(resumed.optimizer) is type(whole.optimizer)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(whole.optimizer.variables, resumed.optimizer.variables, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b), err_msg=a.path
        )
