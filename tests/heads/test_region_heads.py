"""The heads for regions: classes, boxes, attributes."""

import keras
import numpy as np
import pytest
from keras import ops
from layer_checks import check_layer

from keras_mtl.heads import AttributesHead, DetectionHead


@pytest.fixture
def features(rng):
    return rng.normal(size=(2, 5, 6)).astype("float32")


def test_the_detection_head_is_two_products(features):
    head = DetectionHead(3, seed=0)
    outputs = {name: ops.convert_to_numpy(x) for name, x in head(features).items()}
    assert {name: x.shape for name, x in outputs.items()} == {
        "classes": (2, 5, 4),
        "boxes": (2, 5, 16),
    }
    for name, layer in (("classes", head.classes), ("boxes", head.boxes)):
        kernel, bias = layer.get_weights()
        np.testing.assert_allclose(outputs[name], features @ kernel + bias, atol=1e-6)
    prediction = head.prediction(outputs)
    np.testing.assert_allclose(ops.convert_to_numpy(prediction["classes"]).sum(-1), 1, rtol=1e-5)
    np.testing.assert_array_equal(prediction["boxes"], outputs["boxes"])


def test_the_detection_head_saves_and_comes_back(features, tmp_path):
    x = keras.Input((None, 6))
    head = DetectionHead(3, dropout=0.3, seed=2)
    model = keras.Model(x, head(x))
    assert len(head.weights) == 4
    assert tuple(model.output["boxes"].shape) == (None, None, 16)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for name, expected in model.predict(features, verbose=0).items():
        np.testing.assert_array_equal(loaded.predict(features, verbose=0)[name], expected)
    twin = DetectionHead.from_config(head.get_config())
    assert twin.get_config() == head.get_config()
    shapes = head.compute_output_shape(features.shape)
    assert shapes == {"classes": (2, 5, 4), "boxes": (2, 5, 16)}
    half = DetectionHead(3, dtype="mixed_float16")
    assert {keras.backend.standardize_dtype(x.dtype) for x in half(features).values()} == {
        "float32"
    }


def test_the_attributes_head(features, tmp_path):
    check_layer(AttributesHead(7, seed=0), features, tmp_path, weights=2)
    head = AttributesHead(7)
    prediction = ops.convert_to_numpy(head.prediction(np.array([0.0, 30.0, -30.0], "float32")))
    np.testing.assert_allclose(prediction, [0.5, 1, 0], atol=1e-6)


def test_costs():
    assert DetectionHead(20).macs((1, 128, 4096)) == 128 * 4096 * (21 + 84)
    assert AttributesHead(64).macs((1, 128, 4096)) == 128 * 4096 * 64


@pytest.mark.parametrize(
    "targets, output, message",
    [
        (np.array([[0, 4]]), "classes", "classes from 0 .* to 3.*Received: .4."),
        (np.array([[-2, 0]]), "classes", "Received: .-2"),
        (np.array([[[1.5, 0, 0, 0, 0]]]), "boxes", "Received: .1.5"),
        (np.array([[[1, 0, np.nan, 0, 0]]]), "boxes", "must be finite"),
    ],
)
def test_wrong_targets_of_detection_are_named(targets, output, message):
    with pytest.raises(ValueError, match=f"`y` must .*{message}|`y` {message}"):
        DetectionHead(3).check_targets(targets, "y", output)


def test_wrong_attributes_are_named():
    head = AttributesHead(3)
    head.check_targets(np.array([[[0, 1, -1]]]))
    with pytest.raises(ValueError, match=r"`y` must have 3 attributes.*shape \(1, 1, 2\)"):
        head.check_targets(np.zeros((1, 1, 2)), "y")
    with pytest.raises(ValueError, match=r"`y` must hold 0 and 1.*\[0.5\]"):
        head.check_targets(np.array([[[0, 1, 0.5]]]), "y")


@pytest.mark.parametrize("head", [DetectionHead, AttributesHead])
@pytest.mark.parametrize("count", [0, 2.5, "3", True])
def test_counts_must_be_positive_integers(head, count):
    with pytest.raises(ValueError, match="must be an integer >= 1. Received: num_"):
        head(count)
