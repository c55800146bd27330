"""What the heads of dense tasks say, in the units of their targets."""

import numpy as np
from keras import ops

from keras_mtl import geometry, heads


def decoded(head, outputs):
    return ops.convert_to_numpy(head.decode(head.prediction(ops.convert_to_tensor(outputs))))


def test_classes(rng):
    logits = rng.normal(size=(2, 3, 4, 5)).astype("float32")
    for head in (heads.SegmentationHead(5, (3, 4), strides=2), heads.ASPPSegmentationHead(5)):
        classes = decoded(head, logits)
        assert classes.dtype == "int32"
        np.testing.assert_array_equal(classes, logits.argmax(-1))


def test_normals_of_words(rng):
    codebook = geometry.NormalsCodebook.default()
    certain = 50 * np.eye(len(codebook.codewords), dtype="float32")[None, None]
    found = decoded(heads.NormalsHead(codebook, (1, 20), strides=2), certain)
    np.testing.assert_allclose(found[0, 0], codebook.codewords, atol=1e-5)


def test_normals_as_vectors(rng):
    outputs = rng.normal(size=(2, 3, 4, 3)).astype("float32")
    expected = outputs / np.linalg.norm(outputs, axis=-1, keepdims=True)
    np.testing.assert_allclose(decoded(heads.ASPPNormalsHead(), outputs), expected, atol=1e-5)


def test_what_has_the_unit_of_its_targets(rng):
    outputs = rng.random((2, 3, 4, 1)).astype("float32")
    for head in (heads.DepthHead((3, 4), strides=2), heads.ASPPDepthHead(), heads.ASPPMapHead()):
        np.testing.assert_array_equal(decoded(head, outputs), outputs)
