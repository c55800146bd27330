"""Retrieval against scikit-learn and against a ranking by hand."""

import sys

import numpy as np
import pytest

from keras_mtl.metrics import retrieval_scores

pytestmark = pytest.mark.one_backend

# Its module, which a package's name hides behind the function's.
module = sys.modules["keras_mtl.metrics.retrieval_scores"]


def by_sklearn(queries, query_labels, gallery, gallery_labels, ks, leave_out=None):
    average_precision_score = pytest.importorskip("sklearn.metrics").average_precision_score
    precisions, recalls = [], []
    for number, (query, label) in enumerate(zip(queries, query_labels, strict=True)):
        kept = gallery_labels != -1
        if leave_out is not None:
            kept[leave_out[number]] = False
        distances = np.sum((gallery[kept] - query) ** 2, axis=1)
        alike = gallery_labels[kept] == label
        if label == -1 or not alike.any():
            continue
        precisions.append(average_precision_score(alike, -distances))
        ranked = alike[np.argsort(distances, kind="stable")]
        recalls.append([ranked[:k].any() for k in ks])
    expected = {f"recall@{k}": share for k, share in zip(ks, np.mean(recalls, 0), strict=True)}
    return {**expected, "mean_ap": np.mean(precisions)}


@pytest.mark.parametrize("at_once", [1, 100, 1 << 24])
def test_equals_sklearn_with_a_gallery(rng, monkeypatch, at_once):
    monkeypatch.setattr(module, "DISTANCES_AT_ONCE", at_once)
    queries, gallery = rng.normal(size=(20, 3)), rng.normal(size=(30, 3))
    # Of label 5 the gallery has none.
    labels, others = np.arange(20) % 7 - 1, rng.permutation(30) % 6 - 1
    ks = (1, 3, 10, 99)
    found = retrieval_scores(queries, labels, gallery, others, ks)
    assert found == pytest.approx(by_sklearn(queries, labels, gallery, others, ks))
    assert list(found) == ["recall@1", "recall@3", "recall@10", "recall@99", "mean_ap"]
    assert found["recall@1"] < found["recall@10"] <= found["recall@99"] == 1


@pytest.mark.parametrize("at_once", [50, 1 << 24])
def test_equals_sklearn_among_themselves(rng, monkeypatch, at_once):
    monkeypatch.setattr(module, "DISTANCES_AT_ONCE", at_once)
    queries, labels = rng.normal(size=(25, 2)).astype("float32"), rng.integers(-1, 6, 25)
    labels[3] = 77  # Alone of its kind.
    expected = by_sklearn(queries, labels, queries, labels, (1, 2), leave_out=range(25))
    assert retrieval_scores(queries, labels, ks=(1, 2)) == pytest.approx(expected)


def test_ties_are_one_threshold_in_any_order_of_the_gallery(rng):
    gallery, labels = rng.integers(3, size=(40, 2)), rng.integers(4, size=40)
    queries, of_queries = rng.integers(3, size=(9, 2)), rng.integers(4, size=9)
    found = retrieval_scores(queries, of_queries, gallery, labels, (1, 5))
    order = rng.permutation(40)
    assert retrieval_scores(queries, of_queries, gallery[order], labels[order], (1, 5)) == found
    expected = by_sklearn(queries, of_queries, gallery, labels, (1, 5))
    assert found["mean_ap"] == pytest.approx(expected["mean_ap"])
    assert found["recall@1"] <= expected["recall@1"]


def test_a_collapsed_embedding_finds_nothing(rng):
    """The length makes rounding visible: by a matrix product, the distances would not be equal."""
    queries, labels = np.tile(rng.normal(size=64), (12, 1)), np.arange(12) % 3
    found = retrieval_scores(queries, labels, ks=(1, 8, 9))
    assert found == {"recall@1": 0, "recall@8": 0, "recall@9": 1, "mean_ap": pytest.approx(3 / 11)}


def test_a_copy_of_the_query_is_not_the_query():
    queries, labels = [[0.0], [0.0], [5.0], [0.1]], [0, 0, 1, 2]
    assert retrieval_scores(queries, labels, ks=[1]) == {"recall@1": 1, "mean_ap": 1}


def test_no_query_left_is_nan():
    for labels in ([0, 1, -1], [-1, -1, -1], [0, -1, 2]):
        found = retrieval_scores(np.zeros((3, 2)), labels)
        assert list(found) == ["recall@1", "recall@5", "recall@10", "mean_ap"]
        assert np.isnan(list(found.values())).all()
    empty = retrieval_scores(np.zeros((0, 2)), np.zeros(0, int), np.zeros((3, 2)), [0, 1, 2])
    assert np.isnan(empty["mean_ap"])


def test_refusals():
    queries, labels = np.zeros((3, 2)), [0, 0, 1]
    for arguments, message in (
        ((queries[0], labels), r"`queries` must be of shape \(N, D\)"),
        ((queries, labels[:2]), r"`query_labels` must be integers, one for each of the 3"),
        ((queries, np.zeros(3)), "`query_labels` must be integers.*float64"),
        ((queries * np.nan, labels), "`queries` must be finite"),
        ((queries, labels, queries[:, :1], labels), "`gallery` must have the 2 columns.*1"),
        ((queries, labels, queries, [1]), "`gallery_labels` must be integers, one for each of"),
        ((queries, labels, None, labels), "`gallery_labels` must be None without"),
        ((queries, labels, None, None, (0,)), "ks=0"),
    ):
        with pytest.raises(ValueError, match=message):
            retrieval_scores(*arguments)
