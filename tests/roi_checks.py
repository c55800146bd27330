"""What layers of regions of interest must do, and their gradients on any backend."""

import keras
import layer_checks
import numpy as np
import pytest
from keras import ops


def outputs_of(layer, features, rois):
    """What a layer, or a model, makes of arrays."""
    (outputs,) = layer_checks.outputs_of(layer, [features, rois])
    return ops.convert_to_numpy(outputs)


def outputs_and_gradient(layer, features, rois, upstream):
    """Outputs, and the gradient of their product with `upstream` with respect to the features."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        def product(features):
            outputs = layer([features, rois])
            return ops.sum(outputs * upstream), outputs

        function = jax.jit(jax.grad(product, has_aux=True))
        gradient, outputs = function(jax.numpy.asarray(features))
    elif backend == "tensorflow":
        import tensorflow as tf

        features = tf.constant(features)
        with tf.GradientTape() as tape:
            tape.watch(features)
            outputs = layer([features, rois])
            product = tf.reduce_sum(outputs * upstream)
        gradient = tf.convert_to_tensor(tape.gradient(product, features))
    else:
        import torch

        features = torch.from_numpy(features).requires_grad_()
        outputs = layer([features, torch.from_numpy(rois)])
        (outputs * torch.from_numpy(upstream)).sum().backward()
        outputs, gradient = outputs.detach(), features.grad
    return ops.convert_to_numpy(outputs), ops.convert_to_numpy(gradient)


def boxes_in(rng, shape, height, width):
    """Random boxes within an image, (*shape, 4)."""
    points = rng.uniform(size=(2, *shape, 2)) * (width, height)
    return np.concatenate([points.min(0), points.max(0)], -1).astype("float32")


def with_image(boxes):
    """(B, R, 4) boxes as (B * R, 5) RoIs."""
    image = np.repeat(np.arange(boxes.shape[0]), boxes.shape[1])
    return np.column_stack([image, boxes.reshape(-1, 4)]).astype("float32")


def check_forms(layer, tolerance):
    """Both forms of RoIs, both data formats, and no region at all.

    Args:
        layer: an unbuilt channels-last layer with a scale of 1/4.
        tolerance: how far two orders of adding up may part.
    """
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 5, 6, 3)).astype("float32")
    boxes = boxes_in(rng, (2, 4), 20, 24)
    outputs = outputs_of(layer, features, boxes)
    bins = layer.output_size

    def close(ours, reference):
        np.testing.assert_allclose(ours, reference, atol=tolerance, rtol=0)

    assert layer.compute_output_shape([(2, 5, 6, 3), (None, 5)]) == (None, *bins, 3)
    close(outputs_of(layer, features, with_image(boxes)), outputs.reshape(8, *bins, 3))
    first = type(layer).from_config({**layer.get_config(), "data_format": "channels_first"})
    assert first.compute_output_shape([(2, 3, 5, 6), (2, 4, 4)]) == (2, 4, 3, *bins)
    ours = outputs_of(first, features.transpose(0, 3, 1, 2), boxes)
    close(ours, outputs.transpose(0, 1, 4, 2, 3))

    # A layer behind it knows the size of a region, though not how many there are.
    inputs = keras.Input((None, None, 3)), keras.Input((None, 4))
    model = keras.Model(inputs, keras.layers.Reshape((-1, 3 * bins[0] * bins[1]))(layer(inputs)))
    close(outputs_of(model, features, boxes), outputs.reshape(2, 4, -1))
    assert outputs_of(model, features, boxes[:, :0]).shape == (2, 0, 3 * bins[0] * bins[1])


def check_errors(layer_class):
    features = np.zeros((2, 5, 6, 3), "float32")
    layer = layer_class(2, 1 / 4)
    for shape in [(3, 4), (2, 3, 5), (5,), (1, 2, 3, 4)]:
        with pytest.raises(ValueError, match=r"`rois` must be \(R, 5\)"):
            layer([features, np.zeros(shape, "float32")])
    with pytest.raises(ValueError, match="as many images as the features"):
        layer_class(2, 1 / 4)([features, np.zeros((3, 4, 4), "float32")])
    with pytest.raises(ValueError, match="`features` must have 4 axes"):
        layer_class(2, 1 / 4)([features[0], np.zeros((3, 5), "float32")])
    with pytest.raises(ValueError, match="`inputs` must be"):
        layer_class(2, 1 / 4)(features)
    for size in (0, (2,), (2, 0), 1.5, True, "6"):
        with pytest.raises(ValueError, match="`output_size` must be"):
            layer_class(size, 1 / 4)
    for scale in (0, -1, float("nan"), None, "1"):
        with pytest.raises(ValueError, match="`spatial_scale` must be"):
            layer_class(2, scale)
    with pytest.raises(ValueError, match="`data_format` must be"):
        layer_class(2, 1 / 4, data_format="NHWC")


def check_mixed_precision(layer_class, policy, expected):
    """RoIs keep their bits in a model of half precision, and features their type.

    Args:
        layer_class: the layer.
        policy: "mixed_float16" or "mixed_bfloat16".
        expected: its output for a RoI without extent at pixel 503.4 of cells that are 0 and 1 in
            turn. The pixel would be 503.5 in float16 and 504 in bfloat16.
    """
    features = np.arange(520, dtype="float32").reshape(1, 1, 520, 1) % 2
    boxes = np.array([[[503.4, 0, 503.4, 0]]], "float32")
    default = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        inputs = keras.Input((1, 520, 1)), keras.Input((None, 4))
        half = keras.layers.Activation("linear")(inputs[0])
        outputs = layer_class(1, 1.0)([half, inputs[1]])
        assert outputs.dtype == policy.removeprefix("mixed_")
        model = keras.Model(inputs, ops.cast(outputs, "float32"))
    finally:
        keras.config.set_dtype_policy(default)
    np.testing.assert_allclose(outputs_of(model, features, boxes).item(), expected, atol=0.01)
