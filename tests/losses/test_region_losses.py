"""What the losses of detection and attributes do not train on."""

import numpy as np
import pytest
from keras import ops

from keras_mtl.losses import AttributesCrossentropy, DetectionCrossentropy, SmoothL1


def value(loss):
    return float(ops.convert_to_numpy(loss))


@pytest.mark.parametrize("label", [0.5, -2.0])
def test_what_is_no_class_neither_trains_nor_passes_for_padding(label):
    outputs = np.zeros((1, 2, 12), "float32")
    labels = np.array([[1, label]], "float32")
    assert np.isnan(value(DetectionCrossentropy()(labels, outputs)))
    assert np.isnan(value(SmoothL1()(labels[..., None] * [1, 0, 0, 0, 0], outputs)))


@pytest.mark.parametrize("label", [2.0, 255.0])
def test_what_is_no_attribute_neither_trains_nor_passes_for_unknown(label):
    labels = np.array([[[1, label], [-1, -1]]])
    assert np.isnan(value(AttributesCrossentropy()(labels, np.zeros((1, 2, 2), "float32"))))


def test_a_class_that_is_not_there_is_nan():
    outputs = np.zeros((1, 2, 12), "float32")
    assert np.isnan(value(DetectionCrossentropy()(np.array([[0, 12]]), outputs)))
    boxes = np.array([[[3.0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]])
    assert np.isnan(value(SmoothL1()(boxes, outputs)))
    assert value(SmoothL1()(boxes - [1, 0, 0, 0, 0], outputs)) == 0


def test_extreme_logits_are_finite():
    logits = np.array([[[300.0, -300.0]]], "float32")
    found = value(AttributesCrossentropy()(np.array([[[0.0, 1.0]]]), logits))
    assert found == pytest.approx(600)
