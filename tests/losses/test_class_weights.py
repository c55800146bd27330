"""Weights of classes by how rare they are."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from keras_mtl.losses import class_weights

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize("shape", [(50,), (5, 4, 6), (70, 1)])
def test_they_are_those_of_scikit_learn(rng, shape):
    """Where every class is there, in what is known."""
    labels = np.where(rng.random(shape) < 0.2, 255, rng.integers(0, 4, shape)).astype("uint8")
    known = labels[labels != 255]
    expected = compute_class_weight("balanced", classes=np.arange(4), y=known)
    np.testing.assert_allclose(class_weights(labels), expected)
    np.testing.assert_allclose(class_weights(np.where(labels == 255, np.nan, labels)), expected)
    assert class_weights(labels)[known].mean() == pytest.approx(1)


def test_the_power_and_classes_that_are_nowhere():
    labels = [0] * 16 + [2] * 4
    assert class_weights(labels, 4, power=0).tolist() == [1, 1, 1, 1]
    rooted = class_weights(labels, 4, power=0.5)
    assert rooted[2] / rooted[0] == pytest.approx(2) and rooted[[1, 3]].tolist() == [1, 1]
    assert rooted[labels].mean() == pytest.approx(1)


def test_each_attribute_has_its_own(rng):
    attributes = np.array([[0, 1, -1], [0, 1, 1], [0, 0, -1], [1, 1, 0]])
    expected = [[4 / 6, 2], [2, 4 / 6], [1, 1]]
    np.testing.assert_allclose(class_weights(attributes, each_attribute=True), expected)


@pytest.mark.parametrize(
    "labels, options, message",
    [
        ([0, 1.5], {}, r"`labels` must hold whole numbers from 0.*\[0.0, 1.5\]"),
        ([-2, 1], {}, r"`labels` must hold whole numbers from 0.*\[-2, 1\]"),
        ([-1, 255], {}, r"`labels` .* some that are known. Received: \[\]"),
        (["cat"], {}, "`labels` must be numbers. Received: dtype=<U3"),
        ([0, 3], {"num_classes": 3}, "`num_classes` must be an integer >= 4. Received"),
        ([[0, 2]], {"each_attribute": True}, "`labels` must be 0 and 1 .* Received: up to 2"),
    ],
)
def test_what_are_no_labels_is_refused(labels, options, message):
    with pytest.raises(ValueError, match=message):
        class_weights(labels, **options)
