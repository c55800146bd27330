"""The loss of maps against NumPy, and its gradient where nothing is known."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.losses import MapL1


def batch(seed=0, unknown=0.3):
    """Values of which some are exactly zero, which counts, and some unknown."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(3, 4, 6)).astype("float32")
    true[rng.random(true.shape) < 0.3] = 0
    true[rng.random(true.shape) < unknown] = np.nan
    return true, rng.normal(size=(3, 4, 6, 1)).astype("float32")


def errors(true, predicted):
    return np.nan_to_num(np.abs(true.astype("float64") - predicted.reshape(true.shape)))


def value(loss):
    return ops.convert_to_numpy(loss)


def test_equals_numpy_with_and_without_a_channel():
    true, predicted = batch()
    expected = pytest.approx(errors(true, predicted).sum() / (~np.isnan(true)).sum(), rel=1e-5)
    infinite = np.where(np.isnan(true), -np.inf, true)
    for target in (true, true[..., None], infinite):
        for guess in (predicted, predicted[..., 0]):
            assert value(MapL1()(target, guess)) == expected
    every = value(MapL1(reduction=None)(true, predicted))
    np.testing.assert_allclose(every, errors(true, predicted), rtol=1e-5, atol=1e-6)


def test_equals_keras_where_all_is_known():
    true, predicted = batch(unknown=0)
    theirs = keras.losses.MeanAbsoluteError()(true[..., None], predicted)
    np.testing.assert_allclose(value(MapL1()(true, predicted)), value(theirs), rtol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (3, 4, 6), (3, 4, 6, 1)])
def test_weights_multiply_the_errors(shape):
    true, predicted = batch()
    weights = np.random.default_rng(1).random(shape).astype("float32")
    spread = weights.reshape(*shape[:3], *[1] * (3 - len(shape)))
    expected = (spread * errors(true, predicted)).sum() / (~np.isnan(true)).sum()
    assert value(MapL1()(true, predicted, weights)) == pytest.approx(expected, rel=1e-5)


def gradient(true, predicted):
    """By one step of plain gradient descent on the predictions themselves, of the first image."""
    inputs = keras.Input((1,))
    outputs = keras.layers.Dense(predicted[0].size, use_bias=False)(inputs)
    model = keras.Model(inputs, keras.layers.Reshape(predicted.shape[1:])(outputs))
    model.set_weights([predicted[:1].reshape(1, -1)])
    model.compile(keras.optimizers.SGD(1.0), MapL1())
    loss = model.train_on_batch(np.ones((1, 1), "float32"), true[:1])
    return loss, predicted[0] - model.get_weights()[0].reshape(predicted.shape[1:])


def test_gradient_is_the_sign_and_none_at_the_unknown():
    true, predicted = batch()
    known = ~np.isnan(true[0])
    expected = np.where(known, np.sign(predicted[0, ..., 0] - true[0]), 0) / known.sum()
    np.testing.assert_allclose(gradient(true, predicted)[1][..., 0], expected, atol=1e-5)


def test_nothing_known_is_no_loss_and_no_gradient():
    true, predicted = batch()
    loss, found = gradient(np.full_like(true, np.nan), predicted)
    assert float(loss) == 0
    np.testing.assert_array_equal(found, 0)


# Several channels


def vectors(seed=0):
    """Pairs of numbers, each of which may be unknown by itself."""
    true, predicted = batch(seed)
    others = batch(seed + 1)
    return np.stack([true, others[0]], axis=-1), np.concatenate([predicted, others[1]], axis=-1)


def test_every_known_value_of_a_vector_counts_once():
    true, predicted = vectors()
    known = ~np.isnan(true)
    assert (known.sum(axis=-1) == 1).any()  # one coordinate known, the other one not
    expected = errors(true, predicted)
    assert value(MapL1()(true, predicted)) == pytest.approx(expected.sum() / known.sum(), rel=1e-5)
    every = value(MapL1(reduction=None)(true, predicted))
    np.testing.assert_allclose(every, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (3, 4, 6), (3, 4, 6, 1)])
def test_weights_of_pixels_are_those_of_their_vectors(shape):
    true, predicted = vectors()
    weights = np.random.default_rng(1).random(shape).astype("float32")
    spread = weights.reshape(*shape[:3], *[1] * (4 - len(shape[:3])))
    expected = (spread * errors(true, predicted)).sum() / (~np.isnan(true)).sum()
    assert value(MapL1()(true, predicted, weights)) == pytest.approx(expected, rel=1e-5)


def test_gradient_of_vectors_is_the_sign_and_none_at_the_unknown():
    true, predicted = vectors()
    known = ~np.isnan(true[0])
    expected = np.where(known, np.sign(predicted[0] - true[0]), 0) / known.sum()
    np.testing.assert_allclose(gradient(true, predicted)[1], expected, atol=1e-5)


@pytest.mark.parametrize(
    "true, predicted",
    [
        ((3, 4, 6), (3, 4, 6, 2)),
        ((3, 4, 6), (3, 4, 5, 1)),
        ((3, 4, 6, 1), (3, 4, 6, 2)),
        ((3, 4, 6, 2), (3, 4, 6, 3)),
        ((3, 4), (3, 4)),
    ],
)
def test_refuses_shapes_that_would_broadcast(true, predicted):
    with pytest.raises(
        ValueError,
        match=r"`y_true` and `y_pred` must have one shape \(batch, height, width\) or "
        r"\(batch, height, width, channels\).*Received",
    ):
        MapL1()(np.ones(true), np.ones(predicted))


def test_serialisation():
    assert MapL1().name == "map_l1"
    config = keras.saving.serialize_keras_object(MapL1(reduction="sum", name="mine"))
    assert config["registered_name"] == "keras_mtl>MapL1"
    again = keras.saving.deserialize_keras_object(config)
    assert (type(again), again.name, again.reduction) == (MapL1, "mine", "sum")
