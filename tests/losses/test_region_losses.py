"""The losses of detection and attributes against plain loops."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.losses import AttributesCrossentropy, DetectionCrossentropy, SmoothL1

CLASSES, ATTRIBUTES = 3, 5


@pytest.fixture
def batch(rng):
    """Four classes with the background, some padding, some attributes unknown."""
    classes = rng.integers(-1, 1 + CLASSES, size=(2, 30))
    attributes = rng.integers(0, 2, size=(2, 30, ATTRIBUTES)).astype("float32")
    attributes[rng.random(attributes.shape) < 0.2] = -1
    attributes[classes <= 0] = -1
    return {
        "classes": classes,
        "boxes": np.concatenate([classes[..., None], rng.normal(0, 2, (2, 30, 4))], -1),
        "attributes": attributes,
        "class_logits": rng.normal(0, 3, (2, 30, 1 + CLASSES)).astype("float32"),
        "offsets": rng.normal(0, 2, (2, 30, 4 * (1 + CLASSES))).astype("float32"),
        "attribute_logits": rng.normal(0, 5, (2, 30, ATTRIBUTES)).astype("float32"),
    }


def value(loss):
    return float(ops.convert_to_numpy(loss))


def test_class_loss_is_the_mean_over_regions_that_do_not_pad(batch):
    losses = []
    for label, logits in zip(
        batch["classes"].ravel(), batch["class_logits"].reshape(-1, 1 + CLASSES), strict=True
    ):
        if label >= 0:
            losses.append(np.log(np.exp(logits.astype(float)).sum()) - logits[label])
    found = value(DetectionCrossentropy()(batch["classes"], batch["class_logits"]))
    assert found == pytest.approx(np.mean(losses), rel=1e-5)


@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_box_loss_is_of_the_own_class_and_over_background_too(batch, beta):
    losses = []
    for (label, *target), offsets in zip(
        batch["boxes"].reshape(-1, 5), batch["offsets"].reshape(60, -1, 4), strict=True
    ):
        if label < 0:
            continue
        losses.append(0.0)
        if label > 0:
            for error in np.abs(offsets[int(label)] - target):
                losses[-1] += error**2 / 2 / beta if error < beta else error - beta / 2
    found = value(SmoothL1(beta)(batch["boxes"], batch["offsets"]))
    assert found == pytest.approx(np.mean(losses), rel=1e-5)


def test_attribute_loss_is_over_regions_of_which_any_is_known(batch):
    losses = []
    for labels, logits in zip(
        batch["attributes"].reshape(-1, ATTRIBUTES),
        batch["attribute_logits"].reshape(-1, ATTRIBUTES).astype(float),
        strict=True,
    ):
        if (labels >= 0).any():
            likelihood = 1 / (1 + np.exp(np.where(labels == 1, -logits, logits)))
            losses.append(-np.log(likelihood[labels >= 0]).sum())
    found = value(AttributesCrossentropy()(batch["attributes"], batch["attribute_logits"]))
    assert found == pytest.approx(np.mean(losses), rel=1e-5)


def test_background_and_padding_give_no_gradient_to_attributes_and_boxes(batch):
    """A step on the outputs themselves: what does not move has no gradient."""

    class Outputs(keras.layers.Layer):
        def build(self, _):
            self.values = {
                name: self.add_weight(shape=batch[name].shape[1:], initializer="zeros", name=name)
                for name in ("offsets", "attribute_logits")
            }

        def call(self, x):
            return {
                name: ops.expand_dims(ops.convert_to_tensor(v), 0) + 0 * x
                for name, v in self.values.items()
            }

    layer = Outputs()
    x = keras.Input((1, 1))
    model = keras.Model(x, layer(x))
    losses = {"offsets": SmoothL1(), "attribute_logits": AttributesCrossentropy()}
    model.compile(keras.optimizers.SGD(1.0), loss=losses)
    y = {"offsets": batch["boxes"][:1], "attribute_logits": batch["attributes"][:1]}
    model.fit(np.zeros((1, 1, 1)), y, verbose=0)
    offsets, logits = (ops.convert_to_numpy(v) for v in layer.values.values())
    classes = batch["classes"][0]
    moved = np.abs(offsets.reshape(30, -1, 4)).sum(-1) > 0
    expected = (np.arange(1 + CLASSES) == classes[:, None]) & (classes[:, None] > 0)
    np.testing.assert_array_equal(moved, expected)
    np.testing.assert_array_equal(logits != 0, batch["attributes"][0] >= 0)


@pytest.mark.parametrize("loss", [DetectionCrossentropy(), SmoothL1(), AttributesCrossentropy()])
def test_a_batch_of_padding_alone_has_the_loss_zero(loss):
    y_true = {
        "detection_crossentropy": np.full((1, 4), -1),
        "smooth_l1": np.full((1, 4, 5), -1.0),
        "attributes_crossentropy": np.full((1, 4, 8), -1.0),
    }[loss.name]
    assert value(loss(y_true, np.ones((1, 4, 8), "float32"))) == 0


@pytest.mark.parametrize("label", [np.nan, 0.5, -2.0])
def test_what_is_no_class_neither_trains_nor_passes_for_padding(label):
    outputs = np.zeros((1, 2, 12), "float32")
    labels = np.array([[1, label]], "float32")
    assert np.isnan(value(DetectionCrossentropy()(labels, outputs)))
    assert np.isnan(value(SmoothL1()(labels[..., None] * [1, 0, 0, 0, 0], outputs)))


@pytest.mark.parametrize("label", [np.nan, 255.0])
def test_what_is_no_attribute_neither_trains_nor_passes_for_unknown(label):
    labels = np.array([[[1, label], [-1, -1]]])
    assert np.isnan(value(AttributesCrossentropy()(labels, np.zeros((1, 2, 2), "float32"))))


def test_a_class_that_is_not_there_is_nan():
    outputs = np.zeros((1, 2, 12), "float32")
    assert np.isnan(value(DetectionCrossentropy()(np.array([[0, 12]]), outputs)))
    boxes = np.array([[[3.0, 0, 0, 0, 0], [0, 0, 0, 0, 0]]])
    assert np.isnan(value(SmoothL1()(boxes, outputs)))
    assert value(SmoothL1()(boxes - [1, 0, 0, 0, 0], outputs)) == 0


@pytest.mark.parametrize("loss", [DetectionCrossentropy(), SmoothL1(2.5), AttributesCrossentropy()])
def test_losses_are_serialised(loss):
    twin = keras.losses.deserialize(keras.losses.serialize(loss))
    assert type(twin) is type(loss) and twin.get_config() == loss.get_config()


def test_extreme_logits_are_finite():
    logits = np.array([[[300.0, -300.0]]], "float32")
    found = value(AttributesCrossentropy()(np.array([[[0.0, 1.0]]]), logits))
    assert found == pytest.approx(600)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match="`y_true` must be of shape"):
        SmoothL1()(np.zeros((1, 2, 4)), np.zeros((1, 2, 8), "float32"))
    with pytest.raises(ValueError, match="`beta` must be positive"):
        SmoothL1(beta=0)
