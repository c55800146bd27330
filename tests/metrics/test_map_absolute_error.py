"""The absolute error of maps against NumPy, in batches, with weights and in `fit`."""

import keras
import numpy as np
import pytest

from keras_mtl.losses import MapL1
from keras_mtl.metrics import MapAbsoluteError


def batch(seed=0):
    """Values of which some are exactly zero, which counts, and some unknown."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(6, 3, 5)).astype("float32")
    true[rng.random(true.shape) < 0.3] = 0
    true[rng.random(true.shape) < 0.3] = np.nan
    return true, rng.normal(size=(6, 3, 5, 1)).astype("float32")


def reference(true, predicted, weights=1.0):
    known = ~np.isnan(true)
    errors = np.abs(true.astype("float64") - predicted.reshape(true.shape))[known]
    return np.average(errors, weights=np.broadcast_to(weights, true.shape)[known])


def test_equals_numpy_however_the_batches_are_cut():
    true, predicted = batch()
    expected = pytest.approx(reference(true, predicted), rel=1e-5)
    assert float(MapAbsoluteError()(true, predicted)) == expected
    metric = MapAbsoluteError()
    metric.update_state(true[:2], predicted[:2])
    metric.update_state(true[2:3, ..., None], predicted[2:3])
    metric.update_state(true[3:], predicted[3:, ..., 0])
    assert float(metric.result()) == expected


def test_only_pixels_that_are_known_count():
    true, predicted = batch()
    passed_over = np.where(np.isnan(true)[..., None], np.nan, predicted)
    assert float(MapAbsoluteError()(true, passed_over)) == pytest.approx(
        reference(true, predicted), rel=1e-5
    )
    infinite = np.where(np.isnan(true), np.inf, true)
    assert float(MapAbsoluteError()(infinite, predicted)) == pytest.approx(
        reference(true, predicted), rel=1e-5
    )
    counted = np.where(np.isnan(true)[..., None], predicted, np.nan)
    assert np.isnan(float(MapAbsoluteError()(true, counted)))


def test_nothing_counted_is_nan_and_reset_forgets():
    true, predicted = batch()
    metric = MapAbsoluteError()
    assert np.isnan(float(metric.result()))
    first = float(metric(true, predicted))
    metric.reset_state()
    assert np.isnan(float(metric(np.full_like(true, np.nan), predicted)))
    assert float(metric(true, predicted)) == first


@pytest.mark.parametrize("shape", [(6,), (6, 3, 5), (6, 3, 5, 1)])
def test_weights_count(shape):
    true, predicted = batch()
    weights = np.random.default_rng(1).random(shape)
    spread = weights.reshape(*shape[:3], *[1] * (3 - len(shape)))
    assert float(MapAbsoluteError()(true, predicted, weights)) == pytest.approx(
        reference(true, predicted, spread), rel=1e-5
    )


def test_of_vectors_every_known_value_counts_once():
    (true, predicted), (others, guesses) = batch(), batch(seed=2)
    true, predicted = np.stack([true, others], axis=-1), np.concatenate([predicted, guesses], -1)
    assert (np.isnan(true).sum(axis=-1) == 1).any()  # one coordinate known, the other one not
    metric = MapAbsoluteError()
    metric.update_state(true[:2], predicted[:2])
    metric.update_state(true[2:], predicted[2:])
    expected = reference(true, predicted)
    assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
    assert float(metric.result()) == pytest.approx(float(MapL1()(true, predicted)), rel=1e-5)
    weights = np.random.default_rng(1).random((6, 3, 5))
    assert float(MapAbsoluteError()(true, predicted, weights)) == pytest.approx(
        reference(true, predicted, weights[..., None]), rel=1e-5
    )


def test_in_fit():
    true, predicted = batch()
    image = keras.Input((3, 5, 1))
    model = keras.Model(image, keras.layers.Conv2D(1, 1)(image))
    model.compile("sgd", MapL1(), metrics=[MapAbsoluteError()])
    model.fit(predicted, true, batch_size=2, verbose=0)
    scores = model.evaluate(predicted, true, batch_size=4, verbose=0, return_dict=True)
    expected = reference(true, model.predict(predicted, verbose=0))
    assert scores["absolute_error"] == pytest.approx(expected, rel=1e-4)


def test_refuses_shapes_that_would_broadcast():
    true, predicted = batch()
    vectors = np.repeat(predicted, 2, axis=-1)
    for wrong in (predicted[:, :2], vectors):
        with pytest.raises(ValueError, match="`y_true` and `y_pred` must have one shape"):
            MapAbsoluteError().update_state(true, wrong)


def test_serialisation():
    config = keras.saving.serialize_keras_object(MapAbsoluteError(name="edges"))
    assert config["registered_name"] == "keras_mtl>MapAbsoluteError"
    again = keras.saving.deserialize_keras_object(config)
    assert (type(again), again.name) == (MapAbsoluteError, "edges")
