"""The heads for regions: classes, boxes, attributes."""

import numpy as np
import pytest
from keras import ops

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


@pytest.mark.parametrize("head", [DetectionHead, AttributesHead])
@pytest.mark.parametrize("count", [0, 2.5, "3", True])
def test_counts_must_be_positive_integers(head, count):
    with pytest.raises(ValueError, match="must be an integer >= 1. Received: num_"):
        head(count)
