"""Segmentation, normals and depth of `rooms` in one stitched network."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_mtl
from keras_mtl import plots
from keras_mtl.applications import FCN, CrossStitchFCN
from keras_mtl.datasets import rooms
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.layers import CrossStitch
from keras_mtl.losses import DepthL1, NormalsCodebookCrossentropy, SegmentationCrossentropy
from keras_mtl.metrics import DepthScores
from keras_mtl.sharing import Branched

SIZE = 32
CODEBOOK = NormalsCodebook.default()
TASKS = {"segmentation": len(rooms.CLASSES), "normals": CODEBOOK, "depth": "depth"}
CHANNELS = {"segmentation": len(rooms.CLASSES), "normals": CODEBOOK.num_words, "depth": 1}
TINY = {
    "input_shape": (SIZE, SIZE, 3),
    "width": 0.05,
    "stem_strides": 2,
    "padding": "same",
    "rescale": 1 / 64,
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return rooms.load(
        "train",
        SIZE,
        4,
        cache_dir=tmp_path_factory.mktemp("rooms"),
        progress=False,
        workers=1,
    )


def units(model):
    return [layer for layer in model.layers if isinstance(layer, CrossStitch)]


def alphas(model):
    return [ops.convert_to_numpy(unit.alpha).copy() for unit in units(model)]


# With two tasks on every backend, in the tests of FCN.
@pytest.mark.one_backend
def test_fits_saves_and_predicts(pictures, tmp_path):
    model = CrossStitchFCN(TASKS, seed=1, **TINY)
    before = alphas(model)
    assert len(before) == 5
    for alpha in before:
        assert alpha.shape[:2] == (3, 3) and alpha.ndim == 3
        np.testing.assert_allclose(alpha.sum(axis=1), 1, rtol=1e-6)

    model.compile(
        keras_mtl.optimizers.SGD(1e-3, momentum=0.9),
        loss={
            "segmentation": SegmentationCrossentropy(),
            "normals": NormalsCodebookCrossentropy(CODEBOOK),
            "depth": DepthL1(),
        },
        metrics={"depth": [DepthScores()]},
    )
    images = pictures["image"]
    targets = {task: pictures[task] for task in TASKS}
    history = model.fit(images, targets, batch_size=2, epochs=1, verbose=0).history
    for key in ("loss", "depth_loss", "depth_absolute_error", "depth_within_1.25"):
        assert np.isfinite(history[key]).all(), key
    for old, new in zip(before, alphas(model), strict=True):
        # Every pair of tasks has learned something of its own.
        assert (np.abs(new - old).max(axis=-1) > 0).all()

    outputs = model.predict(images, verbose=0)
    assert {task: output.shape for task, output in outputs.items()} == {
        task: (4, SIZE, SIZE, channels) for task, channels in CHANNELS.items()
    }
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for task, output in loaded.predict(images, verbose=0).items():
        np.testing.assert_array_equal(output, outputs[task])


def test_targets_of_depth_are_checked(pictures):
    model = CrossStitchFCN(TASKS, **TINY)
    with pytest.raises(ValueError, match=r"`y\['depth'\]` must hold metres of at least 0"):
        model.fit(pictures["image"], {"depth": -pictures["depth"]})


@pytest.mark.one_backend
def test_one_task_networks_start_the_stitched_one(pictures):
    one_task = [
        FCN(Branched.independent(), {task: kind}, seed=seed, **TINY)
        for seed, (task, kind) in enumerate(TASKS.items())
    ]
    model = CrossStitchFCN(TASKS, alpha=(1.0, 0.0), **TINY).initialize_from(*one_task)
    found = model.predict(pictures["image"], verbose=0)
    for donor in one_task:
        for task, output in donor.predict(pictures["image"], verbose=0).items():
            np.testing.assert_allclose(found[task], output, rtol=1e-4, atol=1e-5)


def test_all_pairs_of_tasks_are_drawn():
    plt = plots.pyplot()
    plt.switch_backend("agg")
    model = CrossStitchFCN(TASKS, **TINY)
    figure = plots.stitch_units(model)
    assert [axes.get_title() for axes in figure.axes] == [
        unit.name.removeprefix("stitch_") for unit in units(model)
    ]
    expected = [f"{task} ← {other}" for task in TASKS for other in TASKS]
    for axes in figure.axes:
        assert [line.get_label() for line in axes.lines] == expected
    plt.close(figure)
