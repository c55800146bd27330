"""The zoo's detectors: outputs, sizes, training, files."""

import keras
import numpy as np
import pytest

from keras_mtl.applications import CrossStitchFastRCNN, FastRCNN
from keras_mtl.datasets import RoIBatches, RoISampling
from keras_mtl.losses import AttributesCrossentropy, DetectionCrossentropy, SmoothL1
from keras_mtl.optimizers import SGD
from keras_mtl.search import cost
from keras_mtl.sharing import Branched, CrossStitched, LatentShared

pytestmark = pytest.mark.whole_network

TINY = dict(width=1 / 32, stem_strides=2, rescale=1 / 64)
LOSSES = {
    "detection_classes": DetectionCrossentropy(),
    "detection_boxes": SmoothL1(),
    "attributes": AttributesCrossentropy(),
}
WEIGHTS = {"detection_classes": 1, "detection_boxes": 1, "attributes": 1 / 5}


def batch(rng, rois=6):
    corners = rng.uniform(0, 40, size=(2, rois, 2))
    sizes = rng.uniform(8, 24, size=(2, rois, 2))
    return {
        "image": rng.uniform(0, 255, size=(2, 64, 64, 3)).astype("float32"),
        "rois": np.concatenate([corners, corners + sizes], -1).astype("float32"),
    }


def test_the_default_has_the_outputs_of_the_paper():
    model = CrossStitchFastRCNN(width=0.01, fc_width=0.001)
    assert model.tasks == ["detection", "attributes"]
    assert {name: tuple(x.shape) for name, x in model.output.items()} == {
        "detection_classes": (None, None, 21),
        "detection_boxes": (None, None, 84),
        "attributes": (None, None, 64),
    }
    assert list(model.units) == ["pool1", "pool2", "roi_pool5"]
    assert all(tuple(unit.alpha.shape) == (2, 2) for unit in model.units.values())


@pytest.mark.one_backend
def test_parameters_are_those_of_the_published_network():
    """Fast R-CNN's CaffeNet for VOC; counted on the graph, no weight is drawn."""
    with keras.StatelessScope(initialize_variables=False):
        model = FastRCNN(Branched.independent(), attributes=None)
        assert cost(model, [(600, 1000, 3), (128, 4)]).parameters == 57_298_409
    keras.utils.clear_session()


@pytest.mark.parametrize(
    "sharing",
    [Branched.independent(), Branched.split(at="conv2"), Branched.hard_sharing(), LatentShared(4)],
)
def test_every_sharing_makes_a_detector(rng, sharing):
    model = FastRCNN(sharing, 3, 5, **TINY)
    found = model.predict(batch(rng), verbose=0)
    assert {name: x.shape for name, x in found.items()} == {
        "detection_classes": (2, 6, 4),
        "detection_boxes": (2, 6, 16),
        "attributes": (2, 6, 5),
    }
    assert all(np.isfinite(x).all() and x.std() > 0 for x in found.values())


def test_images_of_any_size_and_any_number_of_regions(rng):
    model = FastRCNN(Branched.hard_sharing(), 3, 5, **TINY)
    x = batch(rng)
    expected = model.predict_on_batch(x)
    fewer = model.predict_on_batch({**x, "rois": x["rois"][:, :4]})
    for name, found in fewer.items():
        np.testing.assert_allclose(found, expected[name][:, :4], rtol=1e-4, atol=1e-5)
    other = {"image": x["image"][:, :50, :41], "rois": x["rois"]}
    assert model.predict_on_batch(other)["attributes"].shape == (2, 6, 5)


@pytest.mark.one_backend
def test_one_task_networks_start_a_stitched_one(rng):
    detection = FastRCNN(Branched.independent(), 3, None, seed=1, **TINY)
    attributes = FastRCNN(Branched.independent(), None, 5, seed=2, **TINY)
    assert detection.tasks == ["detection"] and attributes.tasks == ["attributes"]
    model = CrossStitchFastRCNN(3, 5, alpha=(1.0, 0.0), **TINY)
    model.initialize_from(detection, attributes)
    x = batch(rng)
    found = model.predict_on_batch(x)
    for donor in (detection, attributes):
        for name, expected in donor.predict_on_batch(x).items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-3, atol=1e-4)


def test_a_stitched_detector_learns_by_plain_fit_and_comes_back(rng, tmp_path):
    """Bright squares are class 1, dark ones class 2; the first attribute is brightness."""
    images = np.full((8, 64, 64, 3), 128, "uint8")
    boxes, classes = [], rng.integers(1, 3, size=(8, 1))
    for image, (label,) in zip(images, classes, strict=True):
        x, y = rng.integers(0, 40, size=2)
        image[y : y + 24, x : x + 24] = 255 if label == 1 else 0
        boxes.append([[x, y, x + 24, y + 24]])
    attributes = [[[label == 1, 0, 1, 0, 1]] for (label,) in classes]
    proposals = [np.clip(rng.uniform(-20, 50, (30, 1)) + [0, 0, 24, 24], 0, 64) for _ in images]
    proposals = [each[(each[:, 2:] > each[:, :2] + 1).all(-1)] for each in proposals]
    pictures = {"image": images, "boxes": boxes, "classes": classes, "attributes": attributes}
    data = RoIBatches({**pictures, "proposals": proposals}, 4, RoISampling(num_rois=8))
    model = CrossStitchFastRCNN(2, 5, seed=0, dropout=0.0, learning_rate_multiplier=10.0, **TINY)
    before = [keras.ops.convert_to_numpy(unit.alpha) for unit in model.units.values()]
    model.compile(SGD(0.005, momentum=0.9), loss=LOSSES, loss_weights=WEIGHTS)
    losses = model.fit(data, epochs=15, shuffle=False, verbose=0).history["loss"]
    assert losses[-1] < 0.6 * losses[0]
    after = [keras.ops.convert_to_numpy(unit.alpha) for unit in model.units.values()]
    assert all((a != b).any() for a, b in zip(after, before, strict=True))
    model.save(tmp_path / "detector.keras")
    loaded = keras.models.load_model(tmp_path / "detector.keras")
    inputs, _ = data[0]
    for name, expected in model.predict_on_batch(inputs).items():
        found = loaded.predict_on_batch(inputs)[name]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="`classes` or `attributes` must be given"):
        FastRCNN(Branched.independent(), None, None)
    with pytest.raises(ValueError, match="at least two tasks"):
        CrossStitchFastRCNN(3, None, **TINY)
    with pytest.raises(ValueError, match="`after` must .*'roi_pool5'.*Received: after='pool5'"):
        FastRCNN(CrossStitched(["pool5"]), 3, 5, **TINY)
    with pytest.raises(ValueError, match="`classes` must be a number of 1 or more.*classes=0"):
        FastRCNN(Branched.independent(), 0, None, **TINY)
