"""From pictures to objects, by a model whose outputs are known."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_mtl
from keras_mtl import Ensemble, MultiTaskModel
from keras_mtl.sharing import Branched
from keras_mtl.towers import Tower


class Tint(layers.Layer):
    """Gives every region the colour of its picture's first pixel."""

    def call(self, inputs):
        image, rois = inputs
        return ops.expand_dims(image[:, 0, 0], axis=1) + 0 * rois[..., :1]


class Oracle(layers.Layer):
    """Classes by colour: red is class 1, green class 2; no offsets."""

    def call(self, inputs):
        red, green = inputs[..., :1], inputs[..., 1:2]
        zeros = ops.zeros_like(red)
        return {
            "classes": ops.concatenate([zeros + 20, red / 5, green / 5], axis=-1),
            "boxes": ops.concatenate([zeros] * 12, axis=-1),
        }

    def compute_output_shape(self, shape):
        return {"classes": (*shape[:2], 3), "boxes": (*shape[:2], 12)}

    def prediction(self, outputs):
        return {**outputs, "classes": ops.softmax(outputs["classes"])}


@pytest.fixture(scope="module")
def model():
    image, rois = keras.Input((None, None, 3), name="image"), keras.Input((None, 4), name="rois")
    tower = Tower(keras.Model([image, rois], Tint()([image, rois])), [])
    heads = {"detection": Oracle()}
    return MultiTaskModel(tower, Branched.independent(), heads)


@pytest.fixture
def pictures():
    """A red one, a green one without proposals, a grey one, a green one."""
    images = np.zeros((4, 40, 60, 3), "uint8")
    images[0, ..., 0] = images[1, ..., 1] = images[3, ..., 1] = 250
    rois = [
        [[0, 0, 20, 20], [1, 0, 21, 20], [30, 10, 50, 30]],
        [],
        [[5, 5, 30, 30]],
        [[-10, -10, 30, 30], [40, 20, 80, 60]],
    ]
    return images, rois


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("voting", [False, True])
def test_objects_are_found_in_each_picture(model, pictures, batch_size, voting):
    images, rois = pictures
    detector = Ensemble([model, model]) if voting else model
    found = keras_mtl.detect(detector, images, rois, batch_size=batch_size, verbose=0)
    assert [each["classes"].tolist() for each in found] == [[1, 1], [], [], [2, 2]]
    # The second region overlaps the first; what sticks out of the picture is cut off.
    np.testing.assert_allclose(found[0]["boxes"], [[0, 0, 20, 20], [30, 10, 50, 30]], atol=1e-4)
    np.testing.assert_allclose(found[3]["boxes"], [[0, 0, 30, 30], [40, 20, 60, 40]], atol=1e-4)
    assert all((each["scores"] > 0.99).all() for each in found)


def test_pictures_of_several_sizes(model):
    images = [np.full((20, 30, 3), 250, "uint8") * [1, 0, 0], np.zeros((33, 25, 3), "uint8")]
    rois = [[[0, 0, 30, 20]], [[0, 0, 5, 5]]]
    found = keras_mtl.detect(model, images, rois, batch_size=2, pad_to=(40, 40), verbose=0)
    assert [len(each["boxes"]) for each in found] == [1, 0]
    regions = list(keras_mtl.predict_regions(model, images, rois, pad_to=(40, 40), verbose=0))
    assert [size for _, _, size in regions] == [(20, 30), (33, 25)]
    for (outputs, clipped, _), expected in zip(regions, rois, strict=True):
        assert outputs["detection_boxes"].shape == (1, 12)
        np.testing.assert_array_equal(clipped, expected)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda images, rois: (images, rois[:3]), "`rois` must have an array for each of the 4"),
        (lambda images, rois: (images, [*rois[:3], [[0, 0, np.nan, 1]]]), r"rois\[3\]"),
        (lambda images, rois: (images, [*rois[:3], [[70, 0, 90, 9]]]), r"rois\[3\]"),
        (lambda images, rois: ([*images, images[0][:9]], [*rois, []]), "`pad_to` must be given"),
        (lambda images, rois: (images[..., :1], rois), r"`images\[0\]` must be .* \(40, 60, 1\)"),
        (lambda images, rois: (images * np.nan, rois), r"`images\[0\]`.*NaN"),
    ],
)
def test_bad_input_is_named(model, pictures, change, message):
    images, rois = change(*pictures)
    with pytest.raises(ValueError, match=message):
        keras_mtl.detect(model, images, rois, batch_size=5, verbose=0)


def test_a_wrong_call_is_refused_at_once(model, pictures):
    images, rois = pictures
    with pytest.raises(ValueError, match="`rois` must have an array for each"):
        keras_mtl.predict_regions(model, images, rois[1:])
    with pytest.raises(ValueError, match="`batch_size` must be an integer >= 1.*0"):
        keras_mtl.predict_regions(model, images, rois, batch_size=0)
