"""Scores of networks that vote, where what comes out is no mean of what goes in."""

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import AttributesHead, NormalsHead, SegmentationHead
from keras_mtl.losses import (
    NormalsCodebookCrossentropy,
    SegmentationCrossentropy,
)
from keras_mtl.metrics import NormalsScores, SegmentationScores
from keras_mtl.study.examples import Examples
from keras_mtl.study.scores import scores

CODEBOOK = NormalsCodebook.default()
SIZE = (8, 8)


def of_pixels(head):
    return head(SIZE, 4)


def tasks():
    return {
        "segmentation": keras_mtl.Task(
            SegmentationHead(3, SIZE, 4),
            SegmentationCrossentropy(),
            [SegmentationScores(3)],
            "higher",
            "segmentation_mean_iu",
        ),
        "normals": keras_mtl.Task(
            NormalsHead(CODEBOOK, SIZE, 4),
            NormalsCodebookCrossentropy(CODEBOOK),
            # Of the same name as that of the other task.
            [NormalsScores(CODEBOOK, name="segmentation")],
            "lower",
            "segmentation_mean_angular_error",
        ),
    }


@pytest.fixture
def found(rng):
    image = keras.Input((*SIZE, 3))
    tower = keras_mtl.towers.Tower(
        keras.Model(image, keras.layers.Conv2D(4, 4, strides=4, name="conv")(image)), cuts=[]
    )
    models = [
        keras_mtl.MultiTaskModel(
            tower, keras_mtl.sharing.Branched.independent(), {task: given.head}
        )
        for _ in range(2)
        for task, given in tasks().items()
    ]
    for model in models:
        model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    normals = rng.normal(size=(4, *SIZE, 3)).astype("float32")
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    x = rng.normal(size=(4, *SIZE, 3)).astype("float32")
    y = {"segmentation": rng.integers(0, 3, (4, *SIZE)), "normals": normals}
    return models, x, y


def test_votes_are_scored_as_the_mean_of_what_networks_predict(found):
    models, x, y = found
    result = scores(models, tasks(), Examples("test", (x, y), list(y)), batch_size=4)
    means = keras_mtl.Ensemble(models).predict(x, verbose=0)
    expected = {
        "segmentation": SegmentationScores(3)(y["segmentation"], means["segmentation"]),
        "normals": NormalsScores()(
            y["normals"], np.asarray(CODEBOOK.decode(means["normals"]), "float32")
        ),
    }
    for task, values in expected.items():
        values = {name.replace("normals", "segmentation"): v for name, v in values.items()}
        assert set(result[task]) == {*values, "loss"}
        for name, value in values.items():
            assert result[task][name] == pytest.approx(float(value), rel=1e-4, abs=1e-4), name
    share = np.take_along_axis(means["segmentation"], y["segmentation"][..., None], -1)
    assert result["segmentation"]["loss"] == pytest.approx(-np.log(share).mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("head", "outputs"),
    [
        (SegmentationHead(3, SIZE, 4), [[[[0.3, -2.0, 1.0]]]]),
        (AttributesHead(2), [[3.0, -1.0]]),
        (keras_mtl.heads.ASPPHead(3), [[[[0.3, -2.0, 1.0]]]]),
        (keras_mtl.heads.ASPPDepthHead(), [[[[2.5]]]]),
    ],
)
def test_heads_say_of_which_outputs_something_is_the_prediction(head, outputs):
    prediction = head.prediction(np.array(outputs, "float32"))
    again = head.prediction(head.outputs_for(prediction))
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(again), keras.ops.convert_to_numpy(prediction), rtol=1e-5
    )
    assert np.isfinite(keras.ops.convert_to_numpy(head.outputs_for(0 * prediction))).all()
