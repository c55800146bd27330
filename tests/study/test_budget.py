"""Steps and rates of the parts of a study, and what networks start from."""

import dataclasses

import keras
import numpy as np
import pytest
from small_studies import examples

import keras_mtl
from keras_mtl.sharing import AdaShared, Branched
from keras_mtl.study import (
    Budget,
    Contender,
    PolicySearch,
    RandomPolicy,
    Row,
    TreeOfTasks,
    ada_share,
    cross_stitch,
    hard_sharing,
    one_task,
)

pytestmark = pytest.mark.one_backend


def rates(study, training):
    rate = study.optimizer(training).get_config()["learning_rate"]
    if not isinstance(rate, dict):
        return [rate] * training.steps
    schedule = keras.optimizers.schedules.deserialize(rate)
    return [float(schedule(step)) for step in range(training.steps)]


def parts(study, name):
    (row,) = [each for each in study.rows if (each.contender, each.seed) == (name, 0)]
    last = row.networks[0]
    return [*last.start[:1], last]


def test_a_rate_falls_in_steps_without_regard_to_where_the_first_part_ends(make):
    budget = Budget(10, 9, annealed=False, falls_every=4, falls_by=0.5)
    study = make(steps=budget, optimizer=keras.optimizers.SGD(1.0))
    found = [rate for each in parts(study, "hard sharing") for rate in rates(study, each)]
    # Keras' boundaries belong to the rate before them.
    first = [0.5 ** (max(step - 1, 0) // 4) for step in range(10)]
    second = [0.5 ** ((10 + max(step - 1, 0)) // 4) for step in range(9)]
    assert found[:10] == first and found[10] == 0.5**2
    assert sorted(set(found[10:])) == sorted(set(second))


def test_a_rate_may_be_constant_and_then_fall(make):
    study = make(steps=Budget(20, 20, warm_up=False), optimizer=keras.optimizers.SGD(1.0))
    first, second = (rates(study, each) for each in parts(study, "hard sharing"))
    assert first == [1.0] * 20 and second[0] == 1 and second[10] == pytest.approx(0.5)
    risen, _ = (rates(each, parts(each, "hard sharing")[0]) for each in [make(steps=40)] * 2)
    assert risen[0] < risen[1] < risen[2] == risen[-1]


def test_networks_may_have_one_part(make, tmp_path):
    study = make(steps=Budget(0, 8), contenders=[hard_sharing()], seeds=1)
    assert [each.start for each in study.trainings] == [()] * 3
    assert {each.order for each in study.trainings} == {0}
    assert study.run().scores["hard sharing"][0]["steps"] == 8
    tree = Contender("tree", TreeOfTasks(0.5))
    twins = make(
        steps=Budget(0, 8), contenders=[cross_stitch(start="tower"), tree], seeds=1
    ).trainings
    assert all(each.steps == 8 for each in twins)
    with pytest.raises(ValueError, match="`search` of 'AdaShare' must be a PolicySearch"):
        make(steps=Budget(0, 8), contenders=[ada_share()])
    with pytest.raises(ValueError, match="`start` of 'cross-stitch' must be 'tower'.*'one-task'"):
        make(steps=Budget(0, 8), contenders=[cross_stitch()])


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (lambda: Budget(4, 0), "`steps`.*0"),
        (lambda: Budget({"age": 0}, 4), "`steps`.*0"),
        (lambda: Budget(4, 4, falls_every=2), "`falls_every` must be None.*2"),
        (lambda: Budget(4, 4, annealed=False, falls_every=0), "`falls_every`.*0"),
    ],
)
def test_what_no_budget_is(budget, message):
    with pytest.raises(ValueError, match=message):
        budget()


def test_one_task_networks_of_another_rate_may_start_as_all_do(make):
    slow = dataclasses.replace(one_task("slow"), rate=0.1, start="one-task")
    study = make(contenders=[slow], seeds=1)
    ours, theirs = (parts(study, name) for name in ("slow", "one-task"))
    assert ours[0].hash == theirs[0].hash and ours[1].hash != theirs[1].hash


def test_towers_may_start_from_a_network_of_an_auxiliary_task(make):
    def with_sign(count, seed):
        x, y = examples(count, seed)
        return x, {**y, "sign": (x[:, :1] > 0).astype("float32")}

    sign = keras_mtl.Task(keras.layers.Dense(1), keras.losses.BinaryCrossentropy(from_logits=True))
    contender = dataclasses.replace(cross_stitch("from sign", start="sign"), soft=False)
    options = {"auxiliary": {"sign": sign}, "train": with_sign(20, 0), "seeds": 1}
    study = make(contenders=[contender], **options)
    first, last = parts(study, "from sign")
    (start,) = first.start
    assert start.outputs == (("sign", "sign"),) and start.steps == first.steps == last.steps
    start.run(study)
    model, theirs = first.compiled(study), study.network(start)
    for task in model.tasks:
        for ours, other in zip(
            model.stage(task, "dense0").get_weights(),
            theirs.stage("sign", "dense0").get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, other)
    found = study.run()
    assert set(found.scores["from sign"][0]["test"]) == {"age", "species"}
    with pytest.raises(ValueError, match="`start of 'from sign'` must be one of .*'one-task'"):
        make(contenders=[contender])


def test_several_headlines_are_averaged_into_a_gain(make):
    both = {"mae": "lower", "r2_score": "higher"}
    task = keras_mtl.Task.regression(metrics=["mae", "r2_score"], headline=both)
    assert (task.headline, task.better, task.headlines) == ("mae", "lower", ("mae", "r2_score"))
    assert keras_mtl.Task.from_config(task.get_config()).directions == both
    study = make(tasks={"age": task, "species": keras_mtl.Task.classification(3)})
    before = {"age": {"mae": 2.0, "r2_score": 0.5}, "species": 0.5}
    now = {"age": {"mae": 1.0, "r2_score": 0.6}, "species": 0.55}
    assert study.gain(now, before) == pytest.approx(((50 + 20) / 2 + 10) / 2)
    with pytest.raises(ValueError, match="`headline` of several.*`better` be None"):
        keras_mtl.Task.regression(headline=both, better="lower")


def test_one_candidate_that_has_not_diverged_is_enough(make):
    wild = Contender("wild", Branched.hard_sharing(), rate=1e30)
    given = {"steps": Budget(0, 4), "optimizer": keras.optimizers.SGD(0.1)}
    study = make(contenders=[hard_sharing(), wild], seeds=1, **given)
    study.run()
    of_row = {row.contender: row.networks for row in study.rows}
    (right,), (wrong,), scored = of_row["hard sharing"], of_row["wild"], study.rows[0].scored
    for name, networks, taken in (("best", (wrong, right), right), ("none", (wrong,), None)):
        row = Row(name, 0, networks, scored, of_row["one-task"])
        row.run(study)
        record = study.record_of(row)
        if taken:
            assert record["taken"] == [taken.hash]
        else:
            assert "diverged" in record["failed"]


def test_what_looks_at_candidates_needs_one_of_them(make):
    """Such as a policy of as many blocks as the best network has that has not diverged."""

    class Diverging(Contender):
        def networks(self, study, seed):
            first, second = super().networks(study, seed)
            return first, dataclasses.replace(second, rate=1e30)

    searched = ada_share()
    options = {field.name: getattr(searched, field.name) for field in dataclasses.fields(searched)}
    found = Diverging(**{**options, "candidates": 2})
    random = Contender("random", RandomPolicy(), looks_at=found)
    study = make(contenders=[found, random], seeds=1, optimizer=keras.optimizers.SGD(0.1))
    scores = study.run().scores
    _, wrong = found.networks(study, 0)
    assert "diverged" in study.record_of(wrong)["failed"]
    assert {"AdaShare", "random"} <= set(scores)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: TreeOfTasks(), "`budget` or `copies`.*None"),
        (lambda: TreeOfTasks(0.5, copies=2), "`budget` or `copies`.*0.5.*2"),
        (lambda: TreeOfTasks(0.5, places="first"), "`places`.*first"),
        (lambda: PolicySearch(AdaShared(), (0, 1), 1, 1), "`turns of the weights`.*0"),
        (lambda: PolicySearch(AdaShared(), (1, 1), 0, 1), "`warm_up`.*0"),
    ],
)
def test_what_no_choice_is(made, message):
    with pytest.raises(ValueError, match=message):
        made()


def test_a_budget_of_as_many_copies_as_tasks_is_refused(make):
    tree = Contender("tree", TreeOfTasks(copies=2), "one-task")
    study = make(contenders=[tree], seeds=1)
    assert "`copies` must be below the number of tasks, 2" in study.run().failed["tree"]


def test_an_unknown_start_is_refused(make):
    with pytest.raises(ValueError, match="`start of 'a'` must be one of .*zero"):
        make(contenders=[Contender("a", Branched(), start="zero")])
