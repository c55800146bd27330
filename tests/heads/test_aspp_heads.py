"""Heads of atrous spatial pyramids: published counts and NumPy loops."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.heads import (
    ASPPHead,
    ASPPMapHead,
    ASPPNormalsHead,
)
from keras_mtl.metrics import NormalsScores

SMALL = {"features": 6, "rates": (1, 3)}


def value(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.fixture
def shapes_only():
    """Builds heads without values in their weights: the published ones have 23 million."""

    def built(head, input_shape):
        with keras.StatelessScope(initialize_variables=False):
            head.build(input_shape)
        return head

    yield built
    # Keras would make up for the values in the next scope that it opens.
    keras.utils.clear_session()


@pytest.mark.parametrize(
    "channels, parameters", [(40, 23_240_864), (19, 23_154_764), (3, 23_089_164), (1, 23_080_964)]
)
def test_parameters_of_the_published_head(shapes_only, channels, parameters):
    head = shapes_only(ASPPHead(channels), (None, 29, 29, 512))
    assert head.count_params() == parameters
    assert [branch.layers[0].dilation_rate[0] for branch in head.branches] == [6, 12, 18, 24]
    assert not head.non_trainable_weights


# Values


def branch(x, weights, rate):
    """One branch in NumPy, of a map (H, W, C), with one product for each tap of the window."""
    dilated, bias, mixed, mixed_bias, score, score_bias = weights
    height, width = x.shape[:2]
    padded = np.pad(x, ((rate, rate), (rate, rate), (0, 0)))
    hidden = bias + sum(
        padded[i * rate : i * rate + height, j * rate : j * rate + width] @ dilated[i, j]
        for i in range(3)
        for j in range(3)
    )
    hidden = np.maximum(hidden, 0)
    hidden = np.maximum(hidden @ mixed[0, 0] + mixed_bias, 0)
    return hidden @ score[0, 0] + score_bias


def bilinear(x, size):
    """Resized with the centres of the pixels in place, and the border's values beyond it."""

    def weights(before, after):
        position = np.clip((np.arange(after) + 0.5) * before / after - 0.5, 0, before - 1)
        return np.maximum(0, 1 - np.abs(position[:, None] - np.arange(before)))

    rows, columns = (weights(*sizes) for sizes in zip(x.shape[:2], size, strict=True))
    return np.einsum("ai,bj,ijc->abc", rows, columns, x)


@pytest.mark.parametrize("output_size", [None, (12, 10), (9, 31)])
def test_equals_numpy(rng, output_size):
    rates = (1, 2, 7)  # the last one sees nothing but the centre and zeros
    head = ASPPHead(3, output_size, features=4, rates=rates)
    x = rng.normal(size=(2, 6, 5, 2)).astype("float32")
    head.build(x.shape)
    weights = [rng.normal(size=weight.shape) for weight in head.weights]
    head.set_weights(weights)
    expected = np.stack(
        [
            sum(branch(image, weights[6 * n : 6 * n + 6], rate) for n, rate in enumerate(rates))
            for image in x
        ]
    )
    if output_size is not None:
        expected = np.stack([bilinear(scores, output_size) for scores in expected])
    np.testing.assert_allclose(value(head(x)), expected, rtol=1e-4, atol=1e-4)


def test_branches_drop_each_their_own(rng):
    head = ASPPHead(2, features=64, rates=(1, 1, 1), seed=3)
    x = np.ones((1, 3, 3, 4), "float32")
    calm = [value(head(x, training=False)) for _ in range(2)]
    np.testing.assert_array_equal(*calm)
    # The same weights in every branch: only what they drop can tell them apart.
    for branch in head.branches:
        branch.set_weights(head.branches[0].get_weights())
    dropped = [value(branch(x, training=True)) for branch in head.branches]
    for n in range(3):
        assert np.abs(dropped[n] - dropped[n - 1]).max() > 1e-3
    seeds = [layer.seed for each in head.branches for layer in (each.layers[1], each.layers[3])]
    assert len(set(seeds)) == 6


def test_the_seed_decides_the_weights():
    def weights(seed):
        head = ASPPHead(2, seed=seed, **SMALL)
        head.build((None, 4, 4, 3))
        return [weight for weight in head.get_weights() if weight.ndim > 1]

    first, same, other = weights(1), weights(1), weights(2)
    for ours, twin, others in zip(first, same, other, strict=True):
        np.testing.assert_array_equal(ours, twin)
        assert np.abs(ours - others).max() > 0
    assert np.abs(first[0] - first[3]).max() > 0  # nor do branches draw the same


def test_a_map_saved_before_it_could_have_several_channels():
    config = ASPPMapHead(**SMALL).get_config()
    del config["channels"]
    assert ASPPMapHead.from_config(config).channels == 1


@pytest.mark.parametrize(
    "options, message",
    [
        ({"channels": 0}, "`channels` must be an integer >= 1. Received: channels=0"),
        ({"features": 2.5}, "`features` must be an integer >= 1. Received: features=2.5"),
        ({"rates": (6, 0)}, "`rates` must be an integer >= 1. Received: rates=0"),
        ({"rates": 6}, "`rates` must be one or more integers. Received: rates=6"),
        ({"output_size": 64}, "`output_size` must be a pair .* output_size=64"),
        ({"rates": ()}, r"`rates` must be one or more integers. Received: rates=\(\)"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ValueError, match=message):
        ASPPHead(**{"channels": 3, **options})


# Predictions


def test_vectors_become_unit_normals(rng):
    vectors = (rng.normal(size=(1, 3, 4, 3)) * 10.0 ** rng.integers(-8, 8, (1, 3, 4, 1))).astype(
        "float32"
    )
    vectors[0, 0, 0] = 0
    normals = value(ASPPNormalsHead(**SMALL).prediction(vectors))
    lengths = np.linalg.norm(vectors.astype("float64"), axis=-1, keepdims=True)
    np.testing.assert_allclose(normals, vectors / np.where(lengths, lengths, 1), rtol=1e-5)
    np.testing.assert_array_equal(normals[0, 0, 0], 0)


def test_scores_of_normals_do_not_depend_on_the_length(rng):
    """`NormalsScores` takes the outputs as they are."""
    vectors, true = rng.normal(size=(2, 1, 4, 5, 3)).astype("float32")
    true /= np.linalg.norm(true, axis=-1, keepdims=True)
    units = ASPPNormalsHead(**SMALL).prediction(vectors)
    ours, theirs = (NormalsScores()(true, x) for x in (vectors, units))
    for name, score in ours.items():
        assert float(score) == pytest.approx(float(theirs[name]), rel=1e-5), name
