"""Both pixel losses against NumPy and against Keras' own averages."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.geometry.normals_codebook import NormalsCodebook
from keras_mtl.losses import NormalsCodebookCrossentropy, SegmentationCrossentropy

BOOK = NormalsCodebook.default()
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", None]


def segmentation_batch(seed=0, classes=5, void=0.3):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=(3, 4, 6)).astype("uint8")
    labels[rng.random(labels.shape) < void] = 255
    return labels, 3 * rng.normal(size=(3, 4, 6, classes)).astype("float32")


def normals_batch(seed=0):
    rng = np.random.default_rng(seed)
    normals = rng.normal(size=(3, 4, 6, 3))
    normals[..., 2] = -np.abs(normals[..., 2])
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[rng.random((3, 4, 6)) < 0.3] = 0
    return normals.astype("float32"), 3 * rng.normal(size=(3, 4, 6, 20)).astype("float32")


def reference(labels, valid, logits):
    """Mean over the valid pixels, in float64."""
    logits = logits.astype("float64")
    top = logits.max(axis=-1)
    logsumexp = np.log(np.exp(logits - top[..., None]).sum(axis=-1)) + top
    picked = np.take_along_axis(logits, np.where(valid, labels, 0)[..., None], axis=-1)[..., 0]
    return (logsumexp - picked)[valid].mean()


def value(loss):
    return ops.convert_to_numpy(loss)


def test_segmentation_equals_numpy():
    labels, logits = segmentation_batch()
    expected = reference(labels, labels != 255, logits)
    assert value(SegmentationCrossentropy()(labels, logits)) == pytest.approx(expected, rel=1e-5)
    assert value(SegmentationCrossentropy()(labels[..., None], logits)) == pytest.approx(
        expected, rel=1e-5
    )


def test_normals_equal_numpy():
    normals, logits = normals_batch()
    nearest = (normals.astype("float64") @ BOOK.codewords.T).argmax(axis=-1)
    expected = reference(nearest, np.abs(normals).sum(axis=-1) > 0, logits)
    loss = NormalsCodebookCrossentropy(BOOK)
    assert value(loss(normals, logits)) == pytest.approx(expected, rel=1e-5)
    nan = np.where(np.abs(normals).sum(axis=-1, keepdims=True) > 0, normals, np.nan)
    assert value(loss(nan, logits)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_both_average_as_keras_does(reduction, weighted):
    keras_loss = keras.losses.SparseCategoricalCrossentropy(
        from_logits=True, ignore_class=255, reduction=reduction
    )
    weights = np.random.default_rng(1).random((3, 4, 6)).astype("float32") if weighted else None
    labels, logits = segmentation_batch()
    np.testing.assert_allclose(
        value(SegmentationCrossentropy(reduction=reduction)(labels, logits, weights)),
        value(keras_loss(labels, logits, weights)),
        rtol=1e-5,
        atol=1e-6,
    )
    normals, logits = normals_batch()
    valid = np.abs(normals).sum(axis=-1) > 0
    words = np.where(valid, (normals @ BOOK.codewords.T).argmax(axis=-1), 255)
    np.testing.assert_allclose(
        value(NormalsCodebookCrossentropy(BOOK, reduction=reduction)(normals, logits, weights)),
        value(keras_loss(words, logits, weights)),
        rtol=1e-5,
        atol=1e-6,
    )


def test_a_weight_a_sample_weights_the_sample():
    labels, logits = segmentation_batch(void=0)
    loss = SegmentationCrossentropy(reduction="mean_with_sample_weight")
    only_second = value(loss(labels, logits, np.array([0.0, 2.0, 0.0])))
    expected = reference(labels[1], labels[1] != 255, logits[1])
    assert only_second == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="`sample_weight`.*(4,)"):
        loss(labels, logits, np.ones(4))


def test_void_alone_is_zero_and_extreme_logits_are_finite():
    labels, logits = segmentation_batch(void=0)
    assert value(SegmentationCrossentropy()(np.full_like(labels, 255), logits)) == 0
    assert np.isfinite(value(SegmentationCrossentropy()(labels, 1e4 * logits)))
    normals, logits = normals_batch()
    assert value(NormalsCodebookCrossentropy(BOOK)(np.zeros_like(normals), logits)) == 0


@pytest.mark.parametrize(
    ("label", "ignore_class"),
    [(5, 255), (-1, 255), (254, 255), (255, None), (np.nan, 255), (np.inf, None), (0.5, 255)],
)
def test_a_label_out_of_range_never_trains_silently(label, ignore_class):
    labels, logits = segmentation_batch(void=0)
    labels = labels.astype("float32" if isinstance(label, float) else "int32")
    labels[0, 0, 0] = label
    assert np.isnan(value(SegmentationCrossentropy(ignore_class=ignore_class)(labels, logits)))


def test_normals_that_are_still_a_picture_are_refused():
    normals, logits = normals_batch()
    picture = (127.5 * (normals + 1)).astype("uint8")
    with pytest.raises(ValueError, match="`y_true` must be unit vectors of floats.*uint8"):
        NormalsCodebookCrossentropy(BOOK)(picture, logits)


def test_gradient_by_differences_and_none_at_void():
    """One step of plain gradient descent on the logits themselves shows the gradient."""
    labels, logits = segmentation_batch()
    inputs = keras.Input((1,))
    outputs = keras.layers.Reshape((4, 6, 5))(keras.layers.Dense(120, use_bias=False)(inputs))
    model = keras.Model(inputs, outputs)
    model.set_weights([logits[:1].reshape(1, -1)])
    model.compile(keras.optimizers.SGD(1.0), SegmentationCrossentropy())
    model.train_on_batch(np.ones((1, 1), "float32"), labels[:1])
    gradient = logits[0] - model.get_weights()[0].reshape(4, 6, 5)
    valid = labels[0] != 255
    softmax = np.exp(logits[0]) / np.exp(logits[0]).sum(axis=-1, keepdims=True)
    expected = (softmax - np.eye(256)[labels[0]][..., :5]) * valid[..., None] / valid.sum()
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_refuses():
    with pytest.raises(ValueError, match="`codebook`.*'words'"):
        NormalsCodebookCrossentropy("words")
    normals, logits = normals_batch()
    with pytest.raises(ValueError, match="num_words=20"):
        NormalsCodebookCrossentropy(BOOK)(normals, logits[..., :7])
    with pytest.raises(ValueError, match="`y_true`"):
        NormalsCodebookCrossentropy(BOOK)(normals[..., :2], logits)
    labels, logits = segmentation_batch()
    with pytest.raises(ValueError, match="`y_pred` must be of shape"):
        SegmentationCrossentropy()(labels, logits[0])


def test_serialisation():
    for loss in (
        SegmentationCrossentropy(ignore_class=0, reduction="sum", name="seg"),
        NormalsCodebookCrossentropy(BOOK, reduction="sum", name="words"),
    ):
        config = keras.saving.serialize_keras_object(loss)
        assert config["registered_name"].startswith("keras_mtl>")
        again = keras.saving.deserialize_keras_object(config)
        assert (again.name, again.reduction) == (loss.name, "sum")
        if isinstance(again, SegmentationCrossentropy):
            assert again.ignore_class == 0
        else:
            np.testing.assert_array_equal(again.codebook.codewords, BOOK.codewords)
    assert SegmentationCrossentropy().name == "segmentation_crossentropy"
    assert NormalsCodebookCrossentropy(BOOK).name == "normals_codebook_crossentropy"
