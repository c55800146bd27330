"""What counts as right of a triplet, beyond float32 and by chunks."""

import numpy as np
import pytest

from keras_mtl.metrics import TripletAccuracy, triplet_scores


def right(rows):
    """Whether each triplet of rows is in order."""
    anchor, positive, negative = rows.reshape(-1, 3, rows.shape[-1]).transpose(1, 0, 2)
    norm = np.linalg.norm
    return norm(anchor - positive, axis=1) < norm(anchor - negative, axis=1)


@pytest.mark.parametrize("wrong", [[[0.0], [1.0], [-1.0]], [[0.0], [np.nan], [1.0]], [[2.0]] * 3])
def test_equal_distances_and_nan_are_wrong(wrong):
    assert float(TripletAccuracy()(np.zeros(3), np.array(wrong))) == 0
    assert triplet_scores(wrong, [[0, 1, 2]]) == 0


def test_counts_beyond_float32():
    """A share of 2^25 triplets is still moved by one."""
    metric = TripletAccuracy()
    ordered, wrong = np.array([[0.0], [1.0], [2.0]]), np.array([[0.0], [2.0], [1.0]])
    for rows, weight in ((ordered, 2.0**25), (wrong, 1.0), (wrong, 1.0), (wrong, 1.0)):
        metric.update_state(None, rows, np.full(3, weight))
    assert metric._mean.weight.exact() == 2**25 + 3
    assert metric._mean.total.exact() == 2**25


@pytest.mark.one_backend
def test_of_many_triplets_by_chunks(rng):
    embeddings, triplets = rng.normal(size=(50, 3)), rng.integers(50, size=(20_001, 3))
    expected = right(embeddings[triplets].reshape(-1, 3)).mean()
    assert triplet_scores(embeddings.tolist(), triplets) == expected


def test_no_triplets_are_nan():
    assert np.isnan(triplet_scores(np.zeros((4, 2)), np.zeros((0, 3), int)))


def test_refusals():
    with pytest.raises(ValueError, match=r"`y_pred` must be of shape \(3K, D\)"):
        TripletAccuracy().update_state(None, np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"`embeddings` must be of shape \(N, D\).*\(3,\)"):
        triplet_scores(np.zeros(3), [[0, 1, 2]])
    with pytest.raises(ValueError, match=r"`triplets` must be integers \(K, 3\).*float64"):
        triplet_scores(np.zeros((3, 2)), [[0.0, 1.0, 2.0]])
    for triplet, received in (([0, 1, 3], "0 to 3"), ([-1, 0, 1], "-1 to 1")):
        with pytest.raises(ValueError, match=f"`triplets` must be from 0 to 2.*{received}"):
            triplet_scores(np.zeros((3, 2)), [triplet])
