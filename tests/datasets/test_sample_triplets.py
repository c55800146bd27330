"""Triplets are of the right labels, and all labels count alike."""

import time

import numpy as np
import pytest

from keras_mtl.datasets import sample_triplets

pytestmark = pytest.mark.one_backend

# Label 9 has one row: never an anchor. Label 5 is 40 times as frequent as label 2.
LABELS = np.array([-1, 9, 2, 2, -1, *[5] * 80, 1, 1, 1])


def test_every_triplet_is_one(rng):
    triplets = sample_triplets(LABELS, 3000, rng)
    assert triplets.shape == (3000, 3) and triplets.dtype == np.int64
    anchor, positive, negative = LABELS[triplets].T
    assert (anchor == positive).all() and (anchor != negative).all()
    assert (triplets[:, 0] != triplets[:, 1]).all()
    assert set(anchor) == {1, 2, 5} and set(negative) == {1, 2, 5, 9}


def shares(values):
    values, counts = np.unique(values, return_counts=True, axis=0)
    return {key: count / counts.sum() for key, count in zip(values.tolist(), counts, strict=True)}


def test_labels_and_rows_are_drawn_uniformly(rng):
    triplets = sample_triplets(LABELS, 60_000, rng)
    anchor, _, negative = LABELS[triplets].T
    assert shares(anchor) == pytest.approx({1: 1 / 3, 2: 1 / 3, 5: 1 / 3}, abs=0.01)
    # 9 is another label of all three anchors, each of the others of two.
    expected = {1: 2 / 9, 2: 2 / 9, 5: 2 / 9, 9: 1 / 3}
    assert shares(negative) == pytest.approx(expected, abs=0.01)
    # All ordered pairs of a label's rows alike.
    pairs = triplets[anchor == 1, :2] - 85
    expected = {3 * a + b: 1 / 6 for a in range(3) for b in range(3) if a != b}
    assert shares(pairs @ [3, 1]) == pytest.approx(expected, abs=0.015)
    frequent = shares(triplets[anchor == 5, 1])
    assert len(frequent) == 80 and max(frequent.values()) < 2 * min(frequent.values())


def test_a_generator_gives_the_same_again():
    first, second, other = (
        sample_triplets(LABELS, 20, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert (first != other).any()


def test_hundred_thousand_take_no_time(rng):
    labels = rng.integers(1000, size=100_000)
    start = time.perf_counter()
    sample_triplets(labels, 100_000, rng)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("labels", [[], [-1, -1], [3, 3, 3, -1], [1, 2, 3]])
def test_labels_without_triplets_are_refused(labels, rng):
    with pytest.raises(ValueError, match="`labels` must have two known labels or more"):
        sample_triplets(np.array(labels, int), 4, rng)


def test_refusals(rng):
    with pytest.raises(ValueError, match=r"`labels` must be integers \(N,\).*float64"):
        sample_triplets([0.0, 0.0, 1.0], 4, rng)
    with pytest.raises(ValueError, match="num_triplets=0"):
        sample_triplets(LABELS, 0, rng)
