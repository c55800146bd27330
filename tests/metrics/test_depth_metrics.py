"""Metrics of depth against NumPy, in batches, with weights and in `fit`."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_mtl.losses import DepthL1
from keras_mtl.metrics import (
    DepthAbsoluteError,
    DepthRelativeError,
    DepthScores,
    DepthWithinRatio,
)

NAMES = ["absolute_error", "relative_error", "within_1.25", "within_1.5625", "within_1.953125"]


def metrics():
    return [
        DepthAbsoluteError(),
        DepthRelativeError(),
        *(DepthWithinRatio(threshold) for threshold in (1.25, 1.5625, 1.953125)),
    ]


def batch(seed=0, samples=6):
    """Metres of which some are unknown, and predictions of which some are negative."""
    rng = np.random.default_rng(seed)
    true = rng.uniform(0.3, 9, size=(samples, 3, 5)).astype("float32")
    predicted = (true * np.exp(rng.normal(0, 0.5, true.shape))).astype("float32")
    predicted[rng.random(true.shape) < 0.1] *= -1
    true[rng.random(true.shape) < 0.3] = 0
    return true, predicted[..., None]


def reference(true, predicted, weights=1.0):
    """The five scores by their definitions, in float64."""
    weights = np.broadcast_to(weights, true.shape)[true > 0].astype("float64")
    t = true[true > 0].astype("float64")
    p = predicted.reshape(true.shape)[true > 0].astype("float64")
    with np.errstate(divide="ignore"):
        ratio = np.where(p > 0, np.maximum(p / t, t / p), np.inf)
    values = [np.abs(p - t), np.abs(p - t) / t, *(ratio < 1.25**power for power in (1, 2, 3))]
    return [np.average(value, weights=weights) for value in values]


def results(of):
    return [float(metric.result()) for metric in of]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_equal_numpy_however_the_batches_are_cut(seed):
    true, predicted = batch(seed)
    whole, parts, together = metrics(), metrics(), DepthScores()
    for metric in whole:
        metric.update_state(true, predicted)
    for metric in (*parts, together):
        metric.update_state(true[:2], predicted[:2])
        metric.update_state(true[2:4, ..., None], predicted[2:4])
        metric.update_state(true[4:], predicted[4:, ..., 0])
    np.testing.assert_allclose(results(whole), reference(true, predicted), rtol=1e-5)
    np.testing.assert_allclose(results(parts), results(whole), rtol=1e-5)
    scores = {key: float(score) for key, score in together.result().items()}
    assert scores == dict(zip([f"depth_{name}" for name in NAMES], results(parts), strict=True))


@pytest.mark.parametrize("mark", [0, -1, np.nan, np.inf])
def test_all_marks_of_the_unknown_are_left_out(mark):
    true, predicted = batch()
    expected = reference(true, predicted)
    predicted = np.where(true[..., None] > 0, predicted, np.nan)  # nor do these count
    marked = np.where(true > 0, true, np.float32(mark))
    found = [float(metric(marked, predicted)) for metric in metrics()]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_ratio_is_open_and_wants_positive_predictions():
    predicted = np.array([1.25, 1.2, 0.8, 0.81, 0, -1, np.nan, np.inf]).reshape(8, 1, 1, 1)
    within = [float(DepthWithinRatio()(np.ones((1, 1, 1)), p[None])) for p in predicted]
    assert within[0] == 0 and within[1] == 1 and within[3] == 1  # 1 / 0.8 is a matter of rounding
    assert within[4:] == [0, 0, 0, 0]


def test_a_prediction_that_is_nan_is_not_passed_over():
    true, predicted = batch()
    predicted[true > 0] = np.nan
    assert np.isnan(float(DepthAbsoluteError()(true, predicted)))
    assert np.isnan(float(DepthRelativeError()(true, predicted)))


def test_nothing_counted_is_nan_and_reset_forgets():
    true, predicted = batch()
    for metric in metrics():
        assert np.isnan(float(metric.result()))
        first = float(metric(true, predicted))
        metric.reset_state()
        assert np.isnan(float(metric(0 * true, predicted)))
        assert float(metric(true, predicted)) == first
    scores = DepthScores()
    scores.update_state(true, predicted)
    scores.reset_state()
    assert all(np.isnan(float(score)) for score in scores.result().values())


@pytest.mark.parametrize("shape", [(6,), (6, 1, 1), (6, 3, 5), (6, 3, 5, 1)])
def test_weights_count(shape):
    true, predicted = batch()
    weights = np.random.default_rng(1).random(shape)
    spread = weights.reshape(*shape[:3], *[1] * (3 - len(shape)))
    found = [float(metric(true, predicted, weights)) for metric in metrics()]
    np.testing.assert_allclose(found, reference(true, predicted, spread), rtol=1e-5)


def test_long_runs_lose_nothing():
    metric = DepthWithinRatio()
    for counter in (metric._mean.total, metric._mean.weight):
        counter.add(ops.convert_to_tensor(2.0**24, dtype="float32"))
    for _ in range(3):
        metric.update_state(np.ones((1, 1, 1)), np.ones((1, 1, 1, 1)))
    assert metric._mean.total.exact() == metric._mean.weight.exact() == 2**24 + 3


def test_in_fit():
    rng = np.random.default_rng(0)
    images = rng.uniform(1, 5, size=(8, 4, 4, 1)).astype("float32")
    depth = 2 * images[..., 0]
    depth[:, 0] = 0
    image = keras.Input((4, 4, 1))
    output = keras.layers.Conv2D(1, 1, kernel_initializer="ones")(image)
    model = keras.Model(image, {"depth": output})
    model.compile(
        keras.optimizers.SGD(0.05),
        loss={"depth": DepthL1()},
        metrics={"depth": [*metrics(), DepthScores(name="all_depth")]},
    )
    history = model.fit(images, {"depth": depth}, batch_size=4, epochs=5, verbose=0).history
    assert history["absolute_error"][-1] < history["absolute_error"][0]
    scores = model.evaluate(images, {"depth": depth}, batch_size=3, verbose=0, return_dict=True)
    expected = reference(depth, model.predict(images, verbose=0)["depth"])
    for name, score in zip(NAMES, expected, strict=True):
        assert scores[name] == pytest.approx(score, rel=1e-4), name
        assert scores[f"all_depth_{name}"] == pytest.approx(score, rel=1e-4), name


def test_refuses():
    for threshold in (1, 0.8, np.inf, np.nan):
        with pytest.raises(ValueError, match=f"`threshold` must be above 1.*{threshold}"):
            DepthWithinRatio(threshold)
    true, predicted = batch()
    for metric in (*metrics(), DepthScores()):
        with pytest.raises(ValueError, match="`y_true` and `y_pred` must have one shape"):
            metric.update_state(true, predicted[:, :2])
    with pytest.raises(ValueError, match="`sample_weight`"):
        DepthScores().update_state(true, predicted, np.ones(5))


def test_serialisation():
    for metric in (*metrics(), DepthScores(name="mine"), DepthWithinRatio(2, name="half")):
        config = keras.saving.serialize_keras_object(metric)
        assert config["registered_name"] == f"keras_mtl>{type(metric).__name__}"
        again = keras.saving.deserialize_keras_object(config)
        assert (type(again), again.get_config()) == (type(metric), metric.get_config())
    assert [metric.name for metric in metrics()] == NAMES
    assert DepthWithinRatio(2).name == "within_2"
