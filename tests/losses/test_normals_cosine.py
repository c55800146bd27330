"""The cosine loss of normals against NumPy, and its gradient where there is no direction."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.losses import NormalsCosine


def batch(seed=0, unknown=0.3):
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(3, 4, 6, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[rng.random((3, 4, 6)) < unknown] = 0
    return normals.astype("float32"), 3 * rng.normal(size=(3, 4, 6, 3)).astype("float32")


def known(normals):
    return np.abs(normals).sum(axis=-1) > 0


def errors(normals, predicted):
    """1 − cosine of every pixel, from the angle, in float64; zero where there is no normal."""
    a, b = normals.astype("float64"), predicted.astype("float64")
    angle = np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(-1))
    return np.where(known(normals), 1 - np.cos(angle), 0)


def value(loss):
    return ops.convert_to_numpy(loss)


def test_equals_numpy_and_passes_over_the_unknown():
    normals, predicted = batch()
    expected = pytest.approx(errors(normals, predicted).sum() / known(normals).sum(), rel=1e-5)
    assert value(NormalsCosine()(normals, predicted)) == expected
    unknown = ~known(normals)[..., None]
    for mark in (np.nan, np.inf):
        assert value(NormalsCosine()(np.where(unknown, mark, normals), predicted)) == expected
    every = value(NormalsCosine(reduction=None)(normals, predicted))
    np.testing.assert_allclose(every, errors(normals, predicted), rtol=1e-4, atol=1e-5)


def test_the_length_does_not_count():
    normals, predicted = batch()
    scale = np.random.default_rng(1).uniform(0.5, 50, size=(3, 4, 6, 1)).astype("float32")
    losses = [value(NormalsCosine()(normals, x)) for x in (predicted, scale * predicted)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_from_the_same_direction_to_the_opposite_one():
    normals, _ = batch(unknown=0)
    for factor, expected in ((3, 0), (0, 1), (-3, 2)):
        loss = value(NormalsCosine()(normals, factor * normals))
        assert loss == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("shape", [(3,), (3, 4, 6), (3, 4, 6, 1)])
def test_weights_multiply_the_errors(shape):
    normals, predicted = batch()
    weights = np.random.default_rng(1).random(shape).astype("float32")
    spread = weights.reshape(*shape[:3], *[1] * (3 - len(shape)))
    expected = (spread * errors(normals, predicted)).sum() / known(normals).sum()
    loss = value(NormalsCosine()(normals, predicted, weights))
    assert loss == pytest.approx(expected, rel=1e-5)


def gradient(normals, predicted):
    """By one step of plain gradient descent on the predictions themselves, of the first image."""
    inputs = keras.Input((1,))
    outputs = keras.layers.Dense(predicted[0].size, use_bias=False)(inputs)
    model = keras.Model(inputs, keras.layers.Reshape(predicted.shape[1:])(outputs))
    model.set_weights([predicted[:1].reshape(1, -1)])
    model.compile(keras.optimizers.SGD(1.0), NormalsCosine())
    loss = model.train_on_batch(np.ones((1, 1), "float32"), normals[:1])
    return loss, predicted[0] - model.get_weights()[0].reshape(predicted.shape[1:])


@pytest.mark.parametrize("mark", [0, np.nan])
def test_gradient_turns_the_vector_and_is_finite_everywhere(mark):
    normals, predicted = batch()
    predicted[0, 0] = 0  # no direction
    predicted[0, 1] *= 1e-20
    valid = known(normals[0])
    assert valid[0].any() and valid[1].any()
    marked = np.where(known(normals)[..., None], normals, np.float32(mark))
    _, found = gradient(marked, predicted)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[~valid], 0)
    # Of a vector p, −(t − (t·p̂) p̂) / |p|: across it, none along it.
    t, p = (x[0, 2:][valid[2:]].astype("float64") for x in (normals, predicted))
    length = np.linalg.norm(p, axis=-1, keepdims=True)
    p = p / length
    expected = -(t - (t * p).sum(-1, keepdims=True) * p) / length / valid.sum()
    np.testing.assert_allclose(found[2:][valid[2:]], expected, atol=1e-5)


@pytest.mark.parametrize("mark", [0, np.nan])
def test_nothing_known_is_no_loss_and_no_gradient(mark):
    normals, predicted = batch()
    loss, found = gradient(np.full_like(normals, mark), predicted)
    assert float(loss) == 0
    np.testing.assert_array_equal(found, 0)


@pytest.mark.parametrize(
    "true, predicted, message",
    [
        ((3, 4, 6), (3, 4, 6, 3), "`y_true` must be of shape"),
        ((3, 4, 6, 1), (3, 4, 6, 3), "`y_true` must be of shape"),
        ((3, 4, 6, 3), (3, 4, 6, 1), "`y_pred` must have the shape of `y_true`"),
        ((3, 4, 6, 3), (3, 1, 6, 3), "`y_pred` must have the shape of `y_true`"),
        ((3, 4, 6, 3), (4, 6, 3), "`y_pred` must have the shape of `y_true`"),
    ],
)
def test_refuses_shapes_that_would_broadcast(true, predicted, message):
    with pytest.raises(ValueError, match=f"{message}.*Received"):
        NormalsCosine()(np.ones(true), np.ones(predicted))


def test_a_picture_is_refused():
    normals, predicted = batch()
    with pytest.raises(ValueError, match="`y_true` must be unit vectors of floats.*uint8"):
        NormalsCosine()((127.5 * (normals + 1)).astype("uint8"), predicted)


def test_serialisation():
    assert NormalsCosine().name == "normals_cosine"
    config = keras.saving.serialize_keras_object(NormalsCosine(reduction="sum", name="mine"))
    assert config["registered_name"] == "keras_mtl>NormalsCosine"
    again = keras.saving.deserialize_keras_object(config)
    assert (type(again), again.name, again.reduction) == (NormalsCosine, "mine", "sum")
