"""The zoo's dense networks: outputs, sizes, kinds of tasks, files."""

import re

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_mtl
from keras_mtl.applications import FCN, CrossStitchFCN
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import DepthHead, NormalsHead, SegmentationHead
from keras_mtl.layers import CrossStitch
from keras_mtl.losses import NormalsCodebookCrossentropy, SegmentationCrossentropy
from keras_mtl.sharing import Branched

TINY = dict(input_shape=(32, 32, 3), width=1 / 32, stem_strides=2, padding="same", rescale=1 / 64)


def tasks(**others):
    return {"segmentation": 5, "normals": NormalsCodebook.default(), **others}


def images(rng, count=2):
    return rng.uniform(0, 255, size=(count, 32, 32, 3)).astype("float32")


def test_one_named_output_a_task(rng):
    model = CrossStitchFCN(tasks(), **TINY)
    assert isinstance(model, keras.Model) and model.name == "cross_stitch_fcn"
    assert tuple(model.inputs[0].shape) == (None, 32, 32, 3)
    found = model.predict(images(rng), verbose=0)
    assert {task: output.shape for task, output in found.items()} == {
        "segmentation": (2, 32, 32, 5),
        "normals": (2, 32, 32, 20),
    }
    assert all(np.isfinite(output).all() and output.std() > 0 for output in found.values())
    stitched = {layer.name for layer in model.layers if isinstance(layer, CrossStitch)}
    assert stitched == {f"stitch_{stage}" for stage in ("pool1", "pool2", "pool5", "fc6", "fc7")}


def test_the_default_is_the_pair_of_the_paper():
    model = CrossStitchFCN(**TINY)
    assert model.tasks == ["segmentation", "normals"]
    assert tuple(model.output["segmentation"].shape) == (None, 32, 32, 40)
    assert tuple(model.output["normals"].shape) == (None, 32, 32, 20)


def test_the_papers_geometry():
    """500 × 500 pixels with 100 around them: 16 × 16 scores, 543 pixels, of which 18 are cut."""
    model = FCN(Branched.hard_sharing(), {"segmentation": 21}, width=0.001)
    head = model.head("segmentation")
    assert head.input.shape[1:3] == (16, 16)
    assert (head.upsample.strides, head.upsample.kernel_size) == (32, 63)
    assert head.upsample.crop == (18, 18)
    assert tuple(model.output["segmentation"].shape) == (None, 500, 500, 21)


@pytest.mark.parametrize(
    "shape, stem_strides, padding",
    [
        ((64, 96, 3), 4, "same"),
        ((48, 32, 3), 2, "same"),
        ((70, 33, 3), 4, 100),
        ((1, 1, 3), 4, 100),
    ],
)
def test_outputs_have_the_size_of_the_image(shape, stem_strides, padding):
    model = FCN(
        Branched.hard_sharing(),
        {"segmentation": 3},
        shape,
        width=0.001,
        stem_strides=stem_strides,
        padding=padding,
    )
    assert tuple(model.output["segmentation"].shape) == (None, *shape[:2], 3)


def test_options_reach_the_parts():
    model = CrossStitchFCN(
        tasks(), after=["conv3"], per_channel=False, alpha=(0.6, 0.4), dropout=0.1, **TINY
    )
    (unit,) = [layer for layer in model.layers if isinstance(layer, CrossStitch)]
    assert unit.name == "stitch_conv3"
    np.testing.assert_allclose(ops.convert_to_numpy(unit.alpha), [[0.6, 0.4], [0.4, 0.6]])
    assert model.head("normals").dropout.rate == 0.1


def test_stitched_training_lowers_the_loss(rng):
    model = CrossStitchFCN(tasks(), dropout=0.0, seed=1, **TINY)
    model.compile(
        keras_mtl.optimizers.SGD(1e-3, momentum=0.9),
        loss={
            "segmentation": SegmentationCrossentropy(),
            "normals": NormalsCodebookCrossentropy(NormalsCodebook.default()),
        },
    )
    normals = np.broadcast_to(np.float32([0, 0, -1]), (2, 32, 32, 3))
    labels = np.repeat([[1], [4]], 32 * 32, axis=1).reshape(2, 32, 32).astype("uint8")
    y = {"segmentation": labels, "normals": normals}
    losses = model.fit(images(rng), y, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_one_task_networks_start_the_stitched_one(rng):
    one_task = [
        FCN(Branched.independent(), {task: kind}, seed=seed, **TINY)
        for seed, (task, kind) in enumerate(tasks().items())
    ]
    model = CrossStitchFCN(tasks(), alpha=(1.0, 0.0), **TINY).initialize_from(*one_task)
    x = images(rng)
    for donor in one_task:
        for task, output in donor.predict(x, verbose=0).items():
            found = model.predict(x, verbose=0)[task]
            np.testing.assert_allclose(found, output, rtol=1e-4, atol=1e-5)


def test_seed_makes_the_weights():
    one, same, other = (
        CrossStitchFCN(tasks(), seed=seed, **TINY).get_weights() for seed in (3, 3, 4)
    )
    for ours, theirs in zip(one, same, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    kernels = [pair for pair in zip(one, other, strict=True) if pair[0].ndim == 4]
    assert kernels and all((ours != theirs).any() for ours, theirs in kernels)


def test_weights_come_from_a_file(rng, tmp_path):
    model = CrossStitchFCN(tasks(), **TINY)
    model.set_weights([w + rng.normal(0, 0.01, w.shape) for w in model.get_weights()])
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    twin = CrossStitchFCN(tasks(), weights=path, **TINY)
    for ours, theirs in zip(model.weights, twin.weights, strict=True):
        assert ours.path == theirs.path
        np.testing.assert_array_equal(ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs))


def test_model_comes_back_from_a_file(rng, tmp_path):
    model = CrossStitchFCN(tasks(), **TINY)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.head("normals").codebook.num_words == 20
    x = images(rng)
    expected = model.predict(x, verbose=0)
    for task, output in loaded.predict(x, verbose=0).items():
        np.testing.assert_array_equal(output, expected[task])


# Kinds of tasks


def test_kinds_of_tasks():
    every = tasks(
        depth="depth",
        edges="map",
        vectors="offsets",
        counted=np.int64(3),  # such as labels.max() + 1
        own=layers.Conv2D(1, 1),
        model=keras.Sequential([layers.GlobalAveragePooling2D(), layers.Dense(2)]),
    )
    model = FCN(Branched.hard_sharing(), every, **TINY)
    assert isinstance(model.head("segmentation"), SegmentationHead)
    assert isinstance(model.head("normals"), NormalsHead)
    assert isinstance(model.head("depth"), DepthHead)
    assert tuple(model.output["depth"].shape) == (None, 32, 32, 1)
    assert tuple(model.output["edges"].shape) == (None, 32, 32, 1)
    assert tuple(model.output["vectors"].shape) == (None, 32, 32, 2)
    assert tuple(model.output["counted"].shape) == (None, 32, 32, 3)
    assert tuple(model.output["own"].shape) == (None, 2, 2, 1)
    assert tuple(model.output["model"].shape) == (None, 2)


@pytest.mark.parametrize("kind", [1, 0, -3, True, 2.5, "segmentation", None, SegmentationHead])
def test_other_kinds_of_tasks_are_refused(kind):
    message = r"`tasks\['depth'\]` must be a number of classes .* Received: "
    with pytest.raises(ValueError, match=message + re.escape(repr(kind))):
        FCN(Branched.hard_sharing(), {"depth": kind}, **TINY)


@pytest.mark.parametrize("bad", [None, {}, ["segmentation"], 21])
def test_tasks_must_be_a_dict(bad):
    with pytest.raises(ValueError, match="must be a dict"):
        FCN(Branched.hard_sharing(), bad, **TINY)


def test_one_task_is_not_stitched():
    with pytest.raises(ValueError, match="at least two tasks"):
        CrossStitchFCN({"segmentation": 5}, **TINY)


def test_unknown_stage_lists_the_known():
    with pytest.raises(ValueError, match=r"must name a stage .*\['conv1', 'pool1'.*'pool9'"):
        CrossStitchFCN(tasks(), after=["pool9"], **TINY)


# Sizes


@pytest.mark.parametrize("padding", [90, 100])
@pytest.mark.parametrize("stem_strides", [4, 2])
def test_too_small_an_input_says_the_minimum(padding, stem_strides):
    options = {**TINY, "width": 0.001, "stem_strides": stem_strides, "padding": padding}
    with pytest.raises(ValueError, match="at least") as error:
        CrossStitchFCN(tasks(), **{**options, "input_shape": (0, 300, 3)})
    minimum = int(re.search(r"at least (\d+) ", str(error.value))[1])
    model = CrossStitchFCN(tasks(), **{**options, "input_shape": (minimum, minimum, 3)})
    assert tuple(model.output["normals"].shape) == (None, minimum, minimum, 20)
    with pytest.raises(ValueError, match=f"at least {minimum} "):
        CrossStitchFCN(tasks(), **{**options, "input_shape": (minimum, minimum - 1, 3)})


@pytest.mark.parametrize("padding", [0, 50])
def test_too_little_padding_says_what_is_needed(padding):
    """Without it the scores of the border pixels would lie outside the map."""
    options = {**TINY, "width": 0.001, "input_shape": (500, 500, 3), "stem_strides": 4}
    with pytest.raises(ValueError, match=f"`padding` .* Received: {padding}") as error:
        FCN(Branched.hard_sharing(), {"segmentation": 3}, **{**options, "padding": padding})
    minimum = int(re.search(r"at least (\d+)", str(error.value))[1])
    model = FCN(Branched.hard_sharing(), {"segmentation": 3}, **{**options, "padding": minimum})
    assert model.head("segmentation").upsample.crop >= (0, 0)
    with pytest.raises(ValueError, match=f"at least {minimum}"):
        FCN(Branched.hard_sharing(), {"segmentation": 3}, **{**options, "padding": minimum - 1})
