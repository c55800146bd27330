"""Several models that vote."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_mtl import Ensemble, MultiTaskModel
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import (
    AttributesHead,
    DepthHead,
    DetectionHead,
    NormalsHead,
    SegmentationHead,
)
from keras_mtl.sharing import Branched, CrossStitched
from keras_mtl.towers import Tower

SIZE = 8


def model_of(tasks, seed):
    init = keras.initializers.GlorotUniform(seed)
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="one", kernel_initializer=init)(image)
    options = {"output_size": (SIZE, SIZE), "strides": 2, "seed": seed}
    heads = {
        "segmentation": SegmentationHead(5, **options),
        "normals": NormalsHead(NormalsCodebook.default(), **options),
        "depth": DepthHead(**options),
        "score": layers.Dense(1),
    }
    sharing = CrossStitched() if len(tasks) > 1 else Branched.independent()
    return MultiTaskModel(
        Tower(keras.Model(image, x), []), sharing, {task: heads[task] for task in tasks}
    )


@pytest.fixture
def models():
    return [
        model_of(["segmentation", "normals"], 1),
        model_of(["segmentation"], 2),
        model_of(["depth"], 3),
        model_of(["depth", "score"], 4),
    ]


@pytest.fixture
def x(rng):
    return rng.normal(size=(2, SIZE, SIZE, 3)).astype("float32")


def test_probabilities_and_metres_are_averaged(models, x):
    found = Ensemble(models).predict(x, verbose=0)
    assert list(Ensemble(models).tasks) == ["segmentation", "normals", "depth", "score"]
    outputs = [
        {task: ops.convert_to_numpy(each) for task, each in model(x).items()} for model in models
    ]

    def softmax(logits):
        exponentials = np.exp(logits - logits.max(-1, keepdims=True))
        return exponentials / exponentials.sum(-1, keepdims=True)

    expected = {
        "segmentation": (softmax(outputs[0]["segmentation"]) + softmax(outputs[1]["segmentation"]))
        / 2,
        "normals": softmax(outputs[0]["normals"]),
        "depth": (outputs[2]["depth"] + outputs[3]["depth"]) / 2,
        "score": outputs[3]["score"],
    }
    for task, value in expected.items():
        np.testing.assert_allclose(found[task], value, atol=1e-5, err_msg=task)


def test_heads_with_several_outputs_vote_on_each(rng):
    """A detector and a network for attributes make a detector of both."""
    image, rois = keras.Input((SIZE, SIZE, 3), name="image"), keras.Input((None, 4), name="rois")

    def detector(seed, **heads):
        init = keras.initializers.GlorotUniform(seed)
        features = layers.Concatenate()([rois, layers.Dense(4, kernel_initializer=init)(rois)])
        features += ops.mean(image)
        tower = Tower(keras.Model([image, rois], features), [])
        return MultiTaskModel(tower, Branched.independent(), heads)

    models = [
        detector(1, detection=DetectionHead(2, seed=1)),
        detector(2, detection=DetectionHead(2, seed=2)),
        detector(3, attributes=AttributesHead(5, seed=3)),
    ]
    x = {
        "image": rng.normal(size=(2, SIZE, SIZE, 3)).astype("float32"),
        "rois": rng.normal(size=(2, 3, 4)).astype("float32"),
    }
    found = Ensemble(models).predict(x, verbose=0)
    assert sorted(found) == ["attributes", "detection_boxes", "detection_classes"]
    outputs = [model.predict(x, verbose=0) for model in models]
    boxes = (outputs[0]["detection_boxes"] + outputs[1]["detection_boxes"]) / 2
    np.testing.assert_allclose(found["detection_boxes"], boxes, atol=1e-6)
    exponentials = [np.exp(each["detection_classes"]) for each in outputs[:2]]
    classes = sum(each / each.sum(-1, keepdims=True) for each in exponentials) / 2
    np.testing.assert_allclose(found["detection_classes"], classes, atol=1e-6)
    attributes = 1 / (1 + np.exp(-outputs[2]["attributes"]))
    np.testing.assert_allclose(found["attributes"], attributes, atol=1e-6)


def test_saves_and_loads(models, x, tmp_path):
    ensemble = Ensemble(models)
    expected = ensemble.predict(x, verbose=0)
    ensemble.save(tmp_path / "ensemble.keras")
    loaded = keras.models.load_model(tmp_path / "ensemble.keras")
    assert loaded.tasks == ensemble.tasks
    for task, value in loaded.predict(x, verbose=0).items():
        np.testing.assert_allclose(value, expected[task], atol=1e-6, err_msg=task)


def test_other_models_are_refused():
    with pytest.raises(TypeError, match="`models` must be MultiTaskModels"):
        Ensemble([keras.Sequential([layers.Dense(1)])])
    with pytest.raises(ValueError, match="at least one model"):
        Ensemble([])
