"""Losses and metrics of one's own in networks of several tasks: they need nothing special."""

import functools
import time

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_mtl
from keras_mtl import MultiTaskModel, Task
from keras_mtl.losses import KnownLoss

X = np.linspace(-1, 1, 24).reshape(6, 4).astype("float32")
Y = {"width": np.linspace(0, 1, 6).reshape(6, 1).astype("float32"), "kind": np.arange(6) % 3}
CROSSENTROPY = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def model_of(**heads):
    heads = heads or {"width": layers.Dense(1), "kind": layers.Dense(3)}
    x = image = keras.Input((4,))
    tower = keras_mtl.towers.Tower(keras.Model(image, layers.Dense(4, name="one")(x)), cuts=[])
    return MultiTaskModel(tower, keras_mtl.sharing.Branched.hard_sharing(), heads)


def scaled(y_true, y_pred, factor):
    return factor * ops.mean(ops.square(y_true - y_pred), axis=-1)


def of_pairs(y_true, y_pred):
    """One number, of rows that belong together."""
    pairs = ops.reshape(y_pred, (-1, 2, 3))
    return ops.mean(ops.square(pairs[:, 0] - pairs[:, 1])) + 0 * ops.mean(y_true)


class Squared:
    def __call__(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


class Whole(keras.losses.Loss):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return ops.mean(ops.square(y_true - y_pred))


class Seen(keras.metrics.Metric):
    """Without weights of samples; its result is a variable."""

    def __init__(self):
        super().__init__(name="seen")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred):
        self.count.assign_add(ops.cast(ops.shape(y_pred)[0], "float32"))

    def result(self):
        return self.count


LOSSES = {
    "lambda": (lambda y_true, y_pred: ops.square(y_true - y_pred), 1),
    "partial": (functools.partial(scaled, factor=2.0), 2),
    "object": (Squared(), 1),
    "whole": (Whole(), 1),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss):
    """Whatever they are called; the same as of a plain Keras model."""
    function, factor = LOSSES[loss]
    model = model_of()
    own = [lambda y_true, y_pred: ops.mean(y_pred, axis=-1), Squared(), Seen()]
    compiled = {"loss": {"width": function, "kind": CROSSENTROPY}, "metrics": {"width": own}}
    model.compile(keras.optimizers.SGD(0.0), **compiled)
    found = {name: values[0] for name, values in model.fit(X, Y, verbose=0).history.items()}
    error = np.mean((model.predict(X, verbose=0)["width"] - Y["width"]) ** 2)
    assert found["width_loss"] == pytest.approx(factor * error, rel=1e-5)
    assert found["width_squared"] == pytest.approx(error, rel=1e-5) and found["width_seen"] == 6
    assert set(found) > {"width_lambda", "loss", "kind_loss"}


def test_a_loss_of_rows_that_belong_together():
    """Row by row it is nothing; of a batch with all labels it is what it is."""
    model = model_of()
    model.compile(keras.optimizers.SGD(0.0), loss={"width": of_pairs, "kind": CROSSENTROPY})
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    outputs = model.predict(X, verbose=0)["width"].reshape(-1, 2, 3)
    expected = np.mean((outputs[:, 0] - outputs[:, 1]) ** 2)
    assert found["width_loss"] == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_marks_of_a_loss_are_those_of_its_metrics():
    model = model_of(width=layers.Dense(1))
    model.compile("sgd", {"width": KnownLoss("mse", missing=[-999])}, metrics={"width": ["mae"]})
    y = np.where(np.arange(6)[:, None] < 3, -999, Y["width"])
    error = np.abs(model.predict(X, verbose=0)["width"] - Y["width"])[3:].mean()
    found = model.evaluate(X, y, verbose=0, return_dict=True)
    assert found["mae"] == pytest.approx(error, rel=1e-5)


def test_a_model_may_learn_by_what_its_layers_add():
    class Small(layers.Layer):
        def call(self, x):
            self.add_loss(ops.mean(ops.square(x)))
            return x

    model = model_of(width=keras.Sequential([layers.Dense(1), Small()]))
    model.compile("sgd")
    assert model.fit(X, verbose=0).history["loss"][0] > 0


def test_class_weights_are_traced_once():
    """And one output takes them as Keras does."""
    model = model_of(kind=layers.Dense(3))
    model.compile(keras.optimizers.SGD(0.0), CROSSENTROPY)
    times, weights = [], {0: 2.0, 1: 1.0, 2: 1.0}
    for _ in range(4):
        began = time.perf_counter()
        found = model.train_on_batch(X, Y["kind"], class_weight=weights, return_dict=True)
        times.append(time.perf_counter() - began)
    plain = keras.Model(model.input, model.output["kind"])
    plain.compile(keras.optimizers.SGD(0.0), CROSSENTROPY)
    expected = plain.train_on_batch(X, Y["kind"], class_weight=weights, return_dict=True)
    assert float(found["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-5)
    assert keras.backend.backend() == "torch" or min(times[1:]) < times[0] / 4


def test_task_gradients_have_the_weights_of_classes():
    heads = {"width": Task.regression(), "kind": Task.classification(3, class_weight=[5, 5, 5])}
    model = model_of(**heads)
    model.compile("sgd", metrics={})
    weighted = keras_mtl.gradients.task_gradients(model, (X, Y))
    plain = keras_mtl.gradients.task_gradients(model, (X, Y), training=False)
    nothing = keras_mtl.gradients.task_gradients(model, (X, {**Y, "width": None}))
    for path, gradient in plain["kind"].items():
        np.testing.assert_allclose(weighted["kind"][path], 5 * gradient, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(nothing["kind"][path], 5 * gradient, rtol=1e-5, atol=1e-7)
        assert (nothing["width"][path] == 0).all()


@pytest.mark.one_backend
def test_a_mix_that_is_none_is_refused():
    data = X, {"width": Y["width"]}
    with pytest.raises(ValueError, match="`mix` must be 'proportional', .*Received: mix='equl'"):
        keras_mtl.Study(
            keras.Sequential([keras.Input((4,)), layers.Dense(2, name="one")]),
            *({"width": Task.regression()}, data, data, data),
            **{"steps": 2, "seeds": 1, "mix": "equl"},
        )
