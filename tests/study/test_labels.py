"""Studies on data of which some labels are missing."""

import dataclasses

import numpy as np
import pytest
from small_studies import examples, tasks

import keras_mtl
from keras_mtl import Task
from keras_mtl.study import cross_stitch, hard_sharing, one_task
from keras_mtl.study.examples import Examples

pytestmark = pytest.mark.one_backend


def some_labels(count=40, known=10):
    """Labels of the species in the first rows only, of the age in all but those."""
    x, y = examples(count)
    age, species = y["age"].copy(), y["species"].copy()
    age[: known // 2], species[known:] = np.nan, -1
    return x, {"age": age, "species": species}


def of(data, **options):
    made = Examples("train", data, ["age", "species"], **options)
    made.look_for_labels(tasks())
    return made


def rows_of(batches, task):
    """How often a row with a label of a task, or with none, is in an epoch."""
    counts = {True: 0, False: 0}
    for number in range(len(batches)):
        labels = np.asarray(batches[number][1][task]).reshape(-1)
        known = ~(np.isnan(labels) | (labels == -1))
        counts[True], counts[False] = counts[True] + known.sum(), counts[False] + (~known).sum()
    return counts


def test_a_network_learns_from_rows_with_a_label_of_its_tasks():
    data = of(some_labels())
    alone = data.batches({"species": "species"}, 5, seed=3)
    assert rows_of(alone, "species") == {True: 10, False: 0}
    both = data.batches({task: task for task in data.y}, 5, seed=3)
    assert rows_of(both, "species") == {True: 10, False: 30}
    # Nothing is left out of what networks are scored on.
    assert len(data.batches({"species": "species"}, 5)) == 8


def test_rows_are_mixed_by_the_labels_that_they_have():
    data = of(some_labels(), mix="equal")
    both = data.batches({task: task for task in data.y}, 6, seed=0)
    images, targets = both[0]
    known = ~np.isnan(targets["species"]), ~np.isnan(targets["age"][:, 0])
    assert [each.sum() for each in known] == [4, 4] and (known[0] & known[1]).sum() == 2
    alone = data.batches({"species": "species"}, 6, seed=0)
    assert type(alone) is keras_mtl.datasets.ArrayBatches


def test_several_data_sets_are_one():
    (x, y), (other, _) = examples(12), examples(8, seed=1)
    given = [(x, {"age": y["age"]}), (other, {"species": np.zeros(8, "int32")})]
    data = of(given)
    assert len(data) == 20 and data.known["age"].sum() == 12 and data.known["species"].sum() == 8
    np.testing.assert_array_equal(data.x[12:], other)
    with pytest.raises(ValueError, match="`train` must be a list of pairs"):
        of([(x, y), (x,)])
    with pytest.raises(ValueError, match="`train` must be of parts of one shape"):
        of([(x, {"age": y["age"]}), (x[:, :2], {"species": y["species"]})])


def test_fewer_labels_are_part_of_more(make):
    """The same for all contenders, others for another seed."""
    data = of(examples(40))
    few, more, other = (data.with_labels([("species", n, s)]) for n, s in ((5, 0), (9, 0), (9, 1)))
    for part, count in ((few, 5), (more, 9), (other, 9)):
        assert part.known["species"].sum() == count and part.known["age"].all()
        np.testing.assert_array_equal(np.isnan(part.y["species"]), ~part.known["species"])
    assert (more.known["species"] | ~few.known["species"]).all()
    assert (more.known["species"] != other.known["species"]).any()
    assert data.known["species"].all() and data.y["species"].dtype.kind == "i"


def test_contenders_with_fewer_labels(make):
    """They share with the others what does not depend on those labels; nothing else."""
    few = {"labels": {"species": 6}}
    chosen = [
        dataclasses.replace(each, name=f"{each.name}, few", **few)
        for each in (one_task(), hard_sharing(), cross_stitch())
    ]
    study = make(contenders=[hard_sharing(), cross_stitch(), *chosen], seeds=1)
    networks = {row.contender: [each.hash for each in row.networks] for row in study.rows}
    full, less = networks["one-task"], networks["one-task, few"]
    assert full[0] == less[0] and full[1] != less[1]
    assert networks["hard sharing"] != networks["hard sharing, few"]
    starts = {
        name: [each.hash for each in row.networks[0].start]
        for row in study.rows
        for name in [row.contender]
    }
    ours, theirs = starts["cross-stitch, few"], starts["cross-stitch"]
    assert ours[0] == theirs[0] and ours[1] != theirs[1]
    found = study.run()
    assert set(found.scores) >= {"one-task, few", "cross-stitch, few", "twin of cross-stitch, few"}
    with pytest.raises(ValueError, match="`labels` of 'x' must be at most as many as there are"):
        make(contenders=[dataclasses.replace(hard_sharing("x"), labels={"species": 1000})])
    with pytest.raises(ValueError, match=r"`labels\['species'\]` must be an integer >= 1"):
        dataclasses.replace(hard_sharing("x"), labels={"species": 0})


def test_a_study_of_missing_labels_counts_what_is_known(make):
    """A marker of one's own; no label at all is an error that names the part."""
    marked = {"age": Task.regression(missing=-99), "species": Task.classification(3)}
    x, y = some_labels()
    y["age"] = np.nan_to_num(y["age"], nan=-99)
    study = make(tasks=marked, train=(x, y), test=(x, y), contenders=[hard_sharing()], seeds=1)
    found = study.run()
    (row,) = [row for row in study.rows if row.contender == "hard sharing"]
    predicted = study.networks(row)[0].predict(x, verbose=0)["age"]
    expected = np.abs(predicted - y["age"])[y["age"] != -99].mean()
    score = study.record_of(row)["test"]["age"]
    assert score["mae"] == pytest.approx(expected, rel=1e-5) and found.scores
    with pytest.raises(ValueError, match="`test` must have labels of 'species'"):
        make(test=(x, {**y, "species": np.full(40, -1)}))
    assert np.isfinite(score["loss"])


def test_missing_labels_are_part_of_what_a_study_is(make):
    plain, marked = (
        make(tasks={**tasks(), "age": Task.regression(missing=missing)}).context
        for missing in (None, -99)
    )
    assert plain != marked
