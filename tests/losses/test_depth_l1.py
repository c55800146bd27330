"""The depth loss against NumPy, and its gradient where nothing is known."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.losses import DepthL1


def batch(seed=0, unknown=0.3):
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 8, size=(3, 4, 6)).astype("float32")
    depth[rng.random(depth.shape) < unknown] = 0
    return depth, (depth + rng.normal(size=depth.shape)).astype("float32")[..., None]


def reference(depth, predicted, weights=1.0):
    """Mean over the known pixels, in float64."""
    errors = [
        w * abs(float(t) - float(p))
        for t, p, w in zip(
            depth.ravel(),
            predicted.ravel(),
            np.broadcast_to(weights, depth.shape).ravel(),
            strict=True,
        )
        if t > 0
    ]
    return sum(errors) / len(errors)


def value(loss):
    return ops.convert_to_numpy(loss)


def test_equals_numpy_with_and_without_a_channel():
    depth, predicted = batch()
    expected = pytest.approx(reference(depth, predicted), rel=1e-5)
    for true in (depth, depth[..., None]):
        for guess in (predicted, predicted[..., 0]):
            assert value(DepthL1()(true, guess)) == expected


@pytest.mark.parametrize("mark", [0, -1, np.nan, np.inf])
def test_all_marks_of_the_unknown_are_left_out(mark):
    depth, predicted = batch()
    marked = np.where(depth > 0, depth, np.float32(mark))
    assert value(DepthL1()(marked, predicted)) == pytest.approx(
        reference(depth, predicted), rel=1e-5
    )


def test_whole_metres():
    depth = np.array([[[3, 0], [7, 1]]], "uint8")
    assert value(DepthL1()(depth, np.full((1, 2, 2, 1), 2.0))) == pytest.approx((1 + 5 + 1) / 3)


@pytest.mark.parametrize("shape", [(3,), (3, 1, 1), (3, 4, 6), (3, 4, 6, 1)])
def test_weights_multiply_the_errors(shape):
    depth, predicted = batch()
    weights = np.random.default_rng(1).random(shape).astype("float32")
    spread = weights.reshape(*shape[:3], *[1] * (3 - len(shape)))
    expected = reference(depth, predicted, spread)
    assert value(DepthL1()(depth, predicted, weights)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight"])
def test_averages_as_keras_does_without_the_unknown(reduction):
    depth, predicted = batch()
    known = depth > 0
    ours = DepthL1(reduction=reduction)(depth, predicted)
    # Each known pixel a sample.
    theirs = keras.losses.MeanAbsoluteError(reduction=reduction)(
        depth[known][:, None], predicted[known]
    )
    np.testing.assert_allclose(value(ours), value(theirs), rtol=1e-5)


def test_without_reduction_every_pixel_has_its_error():
    depth, predicted = batch()
    errors = value(DepthL1(reduction=None)(depth, predicted))
    assert errors.shape == depth.shape
    np.testing.assert_allclose(
        errors, np.abs(depth - predicted[..., 0]) * (depth > 0), rtol=1e-5, atol=1e-6
    )


def gradient(depth, predicted):
    """By one step of plain gradient descent on the predictions themselves."""
    inputs = keras.Input((1,))
    size = depth[0].size
    outputs = keras.layers.Reshape((*depth.shape[1:], 1))(
        keras.layers.Dense(size, use_bias=False)(inputs)
    )
    model = keras.Model(inputs, outputs)
    model.set_weights([predicted[:1].reshape(1, -1)])
    model.compile(keras.optimizers.SGD(1.0), DepthL1())
    loss = model.train_on_batch(np.ones((1, 1), "float32"), depth[:1])
    return loss, predicted[0, ..., 0] - model.get_weights()[0].reshape(depth.shape[1:])


@pytest.mark.parametrize("mark", [0, np.nan, np.inf])
def test_gradient_is_the_sign_and_none_at_the_unknown(mark):
    depth, predicted = batch()
    known = depth[0] > 0
    _, found = gradient(np.where(depth > 0, depth, np.float32(mark)), predicted)
    expected = np.sign(predicted[0, ..., 0] - depth[0]) * known / known.sum()
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("mark", [0, np.nan])
def test_nothing_known_is_no_loss_and_no_gradient(mark):
    depth, predicted = batch()
    loss, found = gradient(np.full_like(depth, mark), predicted)
    assert float(loss) == 0
    np.testing.assert_array_equal(found, 0)


def test_low_precision_is_summed_in_float32():
    depth, predicted = batch()
    half = ops.cast(predicted, "bfloat16")
    expected = reference(depth, value(ops.cast(half, "float32")))
    loss = DepthL1()(depth.astype("float64"), half)
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    assert value(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "true, predicted",
    [((3, 4, 6), (3, 4, 6, 2)), ((3, 4, 6), (3, 4, 5, 1)), ((4, 6), (4, 6)), ((3, 4, 6), (3, 1))],
)
def test_refuses_shapes_that_would_broadcast(true, predicted):
    with pytest.raises(ValueError, match="`y_true` and `y_pred` must have one shape.*Received"):
        DepthL1()(np.ones(true), np.ones(predicted))


def test_serialisation():
    assert DepthL1().name == "depth_l1"
    config = keras.saving.serialize_keras_object(DepthL1(reduction="sum", name="mine"))
    assert config["registered_name"] == "keras_mtl>DepthL1"
    again = keras.saving.deserialize_keras_object(config)
    assert (type(again), again.name, again.reduction) == (DepthL1, "mine", "sum")
