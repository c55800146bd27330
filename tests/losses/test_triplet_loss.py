"""The triplet loss against NumPy, its gradient, weights, and what it refuses."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.losses import TripletLoss


def batch(rng, num_triplets=5):
    return rng.normal(size=(3 * num_triplets, 4)).astype("float32")


def reference(rows, margin):
    """One loss a triplet, one triplet at a time."""
    losses = []
    for start in range(0, len(rows), 3):
        anchor, positive, negative = rows[start : start + 3].astype("float64")
        closer = np.sum((anchor - positive) ** 2) - np.sum((anchor - negative) ** 2)
        losses.append(max(0.0, closer + margin))
    return np.array(losses)


@pytest.mark.parametrize("margin", [0.0, 0.2, 3.0])
def test_equals_numpy(rng, margin):
    rows = batch(rng)
    expected = reference(rows, margin)
    assert (expected == 0).any() and (expected > 0).any()
    loss = TripletLoss(margin)
    np.testing.assert_allclose(loss(np.zeros(15), rows), expected.mean(), rtol=1e-5)
    each = TripletLoss(margin, reduction="none")(np.zeros(15), rows)
    np.testing.assert_allclose(ops.convert_to_numpy(each), expected, rtol=1e-5, atol=1e-6)


def test_the_targets_do_not_count(rng):
    rows = batch(rng)
    loss = TripletLoss()
    assert float(loss(np.full((15, 1), 7, "int32"), rows)) == float(loss(np.zeros(15), rows))


@pytest.mark.parametrize("shape", [(15,), (15, 1)])
def test_a_triplet_has_the_weight_of_its_anchor(rng, shape):
    rows, weights = batch(rng), rng.random(15)
    expected = (reference(rows, 1.0) * weights[::3]).mean()
    given = weights.reshape(shape)
    assert float(TripletLoss(1.0)(np.zeros(15), rows, given)) == pytest.approx(expected, rel=1e-5)


def test_descent_turns_a_triplet_round():
    """The gradient: by steps along it, the negative becomes the farther one by the margin."""
    table = keras.layers.Embedding(3, 2)
    table.build()
    table.set_weights([np.array([[0.0, 0.0], [1.0, 0.1], [0.5, 0.0]])])
    row = keras.Input((), dtype="int32")
    model = keras.Model(row, table(row))
    model.compile(keras.optimizers.SGD(0.1), TripletLoss(margin=0.5))
    # In equal steps for all three: the gradients are 2 (n - p), 2 (p - a), 2 (a - n).
    model.fit(np.arange(3), np.zeros(3), batch_size=3, shuffle=False, verbose=0)
    np.testing.assert_allclose(
        table.get_weights()[0], [[0.1, 0.02], [0.8, 0.08], [0.6, 0.0]], atol=1e-6
    )
    model.fit(np.arange(3), np.zeros(3), batch_size=3, shuffle=False, verbose=0, epochs=20)
    assert model.evaluate(np.arange(3), np.zeros(3), batch_size=3, verbose=0) == 0


@pytest.mark.parametrize("shape", [(4, 2), (3,), (3, 2, 2)])
def test_rows_that_are_no_triplets_are_refused(shape):
    with pytest.raises(ValueError, match=r"`y_pred` must be of shape \(3K, D\).*" + str(shape[0])):
        TripletLoss()(np.zeros(shape[0]), np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (9, 2), ()])
def test_weights_that_are_not_by_rows_are_refused(shape):
    with pytest.raises(ValueError, match="`sample_weight` must have one value for each row"):
        TripletLoss()(np.zeros(9), np.zeros((9, 2)), np.ones(shape))


def test_serialisation():
    config = keras.saving.serialize_keras_object(TripletLoss(margin=0.7, name="triplets"))
    assert config["registered_name"] == "keras_mtl>TripletLoss"
    again = keras.saving.deserialize_keras_object(config)
    assert (again.margin, again.name) == (0.7, "triplets")
    with pytest.raises(ValueError, match="`margin` must be at least 0. Received: margin=-1"):
        TripletLoss(-1)
