"""Codebooks fitted to training normals."""

import numpy as np
import pytest

from keras_mtl.geometry.normals_codebook import NormalsCodebook

pytestmark = pytest.mark.one_backend


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def facing(rng, *shape):
    """Random unit normals (..., 3) that face the camera."""
    normals = unit(rng.normal(size=(*shape, 3)))
    normals[..., 2] = -np.abs(normals[..., 2])
    return normals.astype("float32")


def test_fit_finds_clusters_and_leaves_out_invalid_rows():
    rng = np.random.default_rng(0)
    directions = unit(np.array([[0, 0, -1], [1, 0, -1], [0, 1, -1], [-1, -1, -1]], "float64"))
    normals = unit(directions[rng.integers(4, size=2000)] + 0.02 * rng.normal(size=(2000, 3)))
    normals[:300] = 0
    normals[300:400] = np.nan
    book = NormalsCodebook.fit(normals.reshape(40, 50, 3), num_words=4)
    distance = np.linalg.norm(book.codewords[:, None] - directions[None], axis=-1)
    assert distance.min(axis=0).max() < 0.01


def test_fit_is_a_fixed_point_and_depends_on_the_seed_alone():
    normals = facing(np.random.default_rng(5), 3000)
    book = NormalsCodebook.fit(normals, seed=7)
    again = NormalsCodebook.fit(normals, seed=7)
    np.testing.assert_array_equal(book.codewords, again.codewords)
    word = (normals @ book.codewords.T).argmax(axis=1)
    assert np.bincount(word, minlength=20).min() > 0
    means = unit(np.stack([normals[word == k].sum(axis=0) for k in range(20)]))
    # Converged but for the few samples that the last step may move.
    assert np.linalg.norm(means - book.codewords, axis=1).max() < 0.02


def test_fit_on_heaps_of_equal_normals_has_no_empty_or_double_words():
    rng = np.random.default_rng(0)
    few = facing(rng, 20)
    normals = np.concatenate([np.repeat(few[:1], 5000, axis=0), few])
    book = NormalsCodebook.fit(normals, seed=1)
    distance = np.linalg.norm(book.codewords[:, None] - few[None], axis=-1)
    assert distance.min(axis=0).max() < 1e-5


def test_fit_clusters_max_samples_at_most():
    normals = np.repeat(facing(np.random.default_rng(0), 10), 100, axis=0)
    assert NormalsCodebook.fit(normals, num_words=5, max_samples=200).num_words == 5
    with pytest.raises(ValueError, match="num_words=5"):
        NormalsCodebook.fit(normals, num_words=5, max_samples=4)


@pytest.mark.parametrize(
    ("normals", "match"),
    [
        (np.ones((4, 2)), r"`normals` must be of shape \(\.\.\., 3\).*\(4, 2\)"),
        (np.full((30, 3), 200.0), "unit length.*30 of 30"),
        (np.full((30, 3), [np.nan, 0, 1]), "unit length.*nan"),
        (np.full((30, 3), [np.inf, 0, 1]), "unit length"),
        (np.zeros((30, 3)), "num_words=20 valid.*0"),
        (np.tile([0.0, 0, -1], (30, 1)), "num_words=20 different.*1"),
    ],
)
def test_fit_refuses(normals, match):
    with pytest.raises(ValueError, match=match):
        NormalsCodebook.fit(normals)
