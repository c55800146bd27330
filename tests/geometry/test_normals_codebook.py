"""The codebook of normals: what it encodes, what it decodes, what it refuses."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

from keras_mtl.geometry.normals_codebook import NormalsCodebook

DEFAULT = NormalsCodebook.default()


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def facing(rng, *shape):
    """Random unit normals (..., 3) that face the camera."""
    normals = unit(rng.normal(size=(*shape, 3)))
    normals[..., 2] = -np.abs(normals[..., 2])
    return normals.astype("float32")


def numpy_of(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def fitted():
    return NormalsCodebook.fit(facing(np.random.default_rng(1), 4000), seed=2)


def books(fitted):
    return {"default": DEFAULT, "fitted": fitted}


@pytest.mark.parametrize("which", ["default", "fitted"])
def test_words_are_their_own_codes_and_decode_to_themselves(which, fitted):
    book = books(fitted)[which]
    np.testing.assert_array_equal(numpy_of(book.encode(book.codewords)), np.arange(20))
    decoded = numpy_of(book.decode(np.eye(20, dtype="float32")))
    np.testing.assert_allclose(decoded, book.codewords, atol=1e-6)


def test_encode_is_the_nearest_word_by_angle():
    normals = facing(np.random.default_rng(0), 2, 5, 7)
    normals[..., 2] *= np.sign(np.random.default_rng(1).normal(size=(2, 5, 7)))
    angles = np.arccos(np.clip(normals.astype("float64") @ DEFAULT.codewords.T, -1, 1))
    np.testing.assert_array_equal(numpy_of(DEFAULT.encode(normals)), angles.argmin(axis=-1))


def reference_decode(book, probabilities):
    """The paper's words as loops: best triangle, its three probabilities, their words' mean."""
    out = np.empty((len(probabilities), 3))
    for row, p in enumerate(probabilities):
        triangle = max(book.triangles.tolist(), key=lambda t: p[t].astype("float64").sum())
        weights = p[triangle] / p[triangle].sum()
        out[row] = unit(weights @ book.codewords[triangle])
    return out


def test_decode_equals_the_paper(fitted):
    rng = np.random.default_rng(3)
    for book in (DEFAULT, fitted):
        probabilities = rng.dirichlet(np.full(20, 0.3), size=200).astype("float32")
        expected = reference_decode(book, probabilities)
        decoded = numpy_of(book.decode(probabilities.reshape(2, 10, 10, 20)))
        np.testing.assert_allclose(decoded.reshape(-1, 3), expected, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    triangle=st.integers(0, len(DEFAULT.triangles) - 1),
    weights=st.lists(st.floats(0.02, 1), min_size=3, max_size=3),
)
def test_decode_inside_a_triangle_is_that_point(triangle, weights):
    corners = DEFAULT.triangles[triangle]
    weights = np.array(weights) / np.sum(weights)
    probabilities = np.zeros((1, 20), "float32")
    probabilities[0, corners] = weights
    decoded = numpy_of(DEFAULT.decode(probabilities))[0]
    np.testing.assert_allclose(decoded, unit(weights @ DEFAULT.codewords[corners]), atol=1e-5)
    # The point in the coordinates of the corners: all positive is inside.
    assert (np.linalg.solve(DEFAULT.codewords[corners].T.astype("float64"), decoded) > 0).all()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**16))
def test_turning_the_words_turns_everything(seed):
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    # A fitted book has no four words on a circle, whose triangles would be a matter of rounding.
    book = NormalsCodebook.fit(facing(rng, 500), num_words=12, seed=seed)
    turned = NormalsCodebook(unit(book.codewords @ rotation))
    np.testing.assert_array_equal(turned.triangles, book.triangles)
    normals = facing(rng, 50)
    np.testing.assert_array_equal(
        numpy_of(turned.encode(normals @ rotation)), numpy_of(book.encode(normals))
    )
    probabilities = rng.dirichlet(np.full(12, 0.3), size=50).astype("float32")
    np.testing.assert_allclose(
        numpy_of(turned.decode(probabilities)),
        numpy_of(book.decode(probabilities)) @ rotation,
        atol=1e-4,
    )


def test_renaming_the_words_renames_the_codes():
    order = np.random.default_rng(0).permutation(20)
    renamed = NormalsCodebook(DEFAULT.codewords[order])
    normals = facing(np.random.default_rng(1), 100)
    np.testing.assert_array_equal(
        order[numpy_of(renamed.encode(normals))], numpy_of(DEFAULT.encode(normals))
    )


def test_decode_is_unit_and_finite_for_any_probabilities():
    probabilities = np.random.default_rng(0).random((6, 20)).astype("float32")
    probabilities[0] = 1 / 20
    probabilities[1] = 1e-6
    decoded = numpy_of(DEFAULT.decode(probabilities))
    np.testing.assert_allclose(np.linalg.norm(decoded, axis=-1), 1, atol=1e-5)
    assert np.isfinite(numpy_of(DEFAULT.decode(np.zeros((1, 20), "float32")))).all()


def test_decode_in_half_precision_gives_float32():
    decoded = DEFAULT.decode(ops.cast(np.eye(20, dtype="float32"), "float16"))
    assert keras.backend.standardize_dtype(decoded.dtype) == "float32"


@pytest.mark.parametrize("which", ["default", "fitted"])
def test_triangles_are_delaunay_and_cover_what_lies_between_the_words(which, fitted):
    book = books(fitted)[which]
    words = book.codewords.astype("float64")
    for a, b, c in words[book.triangles]:
        centre = unit(np.cross(b - a, c - a))
        centre *= np.sign(centre @ a)
        assert (words @ centre <= centre @ a + 1e-6).all()  # no word inside the circle
    assert set(book.triangles.ravel()) == set(range(20))
    # Every mean of a few words that lie close together is in at least one triangle, none in two.
    inverse = np.linalg.inv(words[book.triangles].transpose(0, 2, 1))
    rng = np.random.default_rng(0)
    points = unit(words.mean(axis=0) + 0.3 * rng.normal(size=(200, 3)))
    points = points[points[:, 2] < -0.5]
    inside = (np.einsum("mij,nj->nmi", inverse, points) > 1e-9).all(axis=-1)
    assert (inside.sum(axis=1) == 1).all()


def test_no_triangle_closes_the_hull_behind_the_words():
    # Words that reach beyond the hemisphere, so that the origin lies inside their hull.
    ring = 2 * np.pi * np.arange(6) / 6
    tilt = np.deg2rad(97)
    far = [(np.sin(tilt) * np.cos(t), np.sin(tilt) * np.sin(t), -np.cos(tilt)) for t in ring]
    near = [(0.7 * np.cos(t + 0.5), 0.7 * np.sin(t + 0.5), -np.sqrt(0.51)) for t in ring]
    book = NormalsCodebook([(0, 0, -1), *near, *far])
    centres = book.codewords[book.triangles].sum(axis=1)
    assert (centres[:, 2] < 0).all()
    left_and_right = np.zeros((1, 13), "float32")
    left_and_right[0, [7, 10]] = 0.5
    assert numpy_of(book.decode(left_and_right))[0, 2] < 0.2


def test_words_around_the_whole_sphere_keep_all_triangles():
    octahedron = NormalsCodebook(np.vstack([np.eye(3), -np.eye(3)]))
    assert len(octahedron.triangles) == 8
    tetrahedron = unit(np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], "float64"))
    assert len(NormalsCodebook(tetrahedron).triangles) == 4


def test_default_has_a_word_near_every_visible_direction():
    normals = facing(np.random.default_rng(0), 5000)
    angles = np.degrees(np.arccos(np.clip((normals @ DEFAULT.codewords.T).max(axis=1), -1, 1)))
    assert angles.max() < 27.5
    for axis in ([0, 0, -1], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]):
        assert np.abs(DEFAULT.codewords - axis).sum(axis=1).min() < 1e-6


@pytest.mark.parametrize(
    ("codewords", "match"),
    [
        (np.eye(3), r"K >= 4.*\(3, 3\)"),
        (2 * DEFAULT.codewords, "unit length"),
        (np.full((4, 3), np.nan), "unit length"),
        (np.vstack([np.eye(3), np.eye(3)[:1]]), "codewords 0 and 3"),
    ],
)
def test_constructor_refuses(codewords, match):
    with pytest.raises(ValueError, match=match):
        NormalsCodebook(codewords)


def test_words_on_one_circle_have_no_triangles():
    turn = 2 * np.pi * np.arange(5) / 5
    circle = np.stack([np.cos(turn), np.sin(turn), np.zeros(5)], axis=1)
    with pytest.raises(ValueError, match="one circle"):
        NormalsCodebook(circle).triangles  # noqa: B018


def test_round_trip_is_exact(fitted):
    config = keras.saving.serialize_keras_object(fitted)
    assert isinstance(config["config"]["codewords"][0][0], float)
    again = keras.saving.deserialize_keras_object(config)
    np.testing.assert_array_equal(again.codewords, fitted.codewords)
