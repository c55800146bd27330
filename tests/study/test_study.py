"""Studies from the first call to the table; stopped, extended, damaged."""

import functools
import math
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import keras
import numpy as np
import pytest
from small_studies import examples, network, tasks

import keras_mtl
from keras_mtl import Task
from keras_mtl.sharing import Branched
from keras_mtl.study import (
    Budget,
    Contender,
    Progress,
    ada_share,
    branched,
    cross_stitch,
    ensemble,
    hard_sharing,
    modulated,
    processes,
    split,
)
from keras_mtl.study.records import Records

TIMES = ("seconds", "peak_memory")


def of_records(records):
    """What has been recorded, without what differs from run to run, by hash."""
    return {
        each["hash"]: {name: value for name, value in each.items() if name not in TIMES}
        for each in records.read()
    }


def records(study):
    return of_records(study.records)


@pytest.mark.whole_network
def test_all_contenders_from_the_plan_to_the_table(make, capsys):
    chosen = [
        *(ensemble(), hard_sharing(), split("dense1"), cross_stitch()),
        *(ada_share(), branched(), modulated()),
    ]
    study = make(contenders=chosen, seeds=1)
    plan = str(study.plan())
    assert all(each.name in plan for each in chosen) and "of them done" not in plan
    found = study.run()
    assert f"{len(study.waiting())}" == "0" and "left" in capsys.readouterr().out
    assert not found.failed and set(found.scores) == {each.name for each in study.contenders}
    for name, of_seeds in found.scores.items():
        for record in of_seeds.values():
            for part in ("validation", "test"):
                assert math.isfinite(record[part]["age"]["mae"]), name
                assert 0 <= record[part]["species"]["accuracy"] <= 1
    text = str(found)
    assert all(name in text for name in found.scores) and "one seed says nothing" in text
    assert found.best() is None and found.best("age") is None


def test_scores_are_what_evaluate_says(make):
    one_part = Budget(0, 4)
    found = make(contenders=[hard_sharing(), ensemble()], seeds=1, steps=one_part).run()
    x, y = examples(12, 2)
    for name in ("one-task", "hard sharing", "ensemble"):
        model = found.model(name)
        outputs = model.predict(x, verbose=0)
        error = np.abs(outputs["age"] - y["age"]).mean()
        right = (outputs["species"].argmax(-1) == y["species"]).mean()
        scores = found.scores[name][0]["test"]
        assert scores["age"]["mae"] == pytest.approx(error, rel=1e-5)
        assert scores["species"]["accuracy"] == pytest.approx(right, rel=1e-5)
        result = model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)
        assert result["age_mae"] == pytest.approx(error, rel=1e-5)


@pytest.mark.one_backend
def test_few_frames_lie_between_compare_and_fit(make, monkeypatch):
    stacks, fit = [], keras.Model.fit

    @functools.wraps(fit)
    def noted(self, *args, **kwargs):
        stacks.append(
            [frame.name for frame in traceback.extract_stack() if "keras_mtl" in frame[0]]
        )
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "fit", noted)
    study = make(seeds=1, contenders=[])
    module = sys.modules["keras_mtl.study.compare"]
    monkeypatch.setattr(module, "Study", lambda *args, **kwargs: study)
    keras_mtl.compare(None, None, None, None, None, steps=None)
    # The last one is that of the model itself.
    assert set(map(tuple, stacks)) == {("compare", "run", "local", "run", "_fit", "fit")}


@pytest.mark.one_backend
def test_a_twin_is_scored_by_its_first_tower(make):
    study = make(contenders=[cross_stitch()], seeds=1)
    study.run()
    row = next(each for each in study.rows if each.contender.startswith("twin"))
    x, y = examples(12, 2)
    network = study.network(row.networks[0])
    assert network.tasks == ["age", "age_twin"]
    error = np.abs(network.predict(x, verbose=0)["age"] - y["age"]).mean()
    assert study.record_of(row)["test"]["age"]["mae"] == pytest.approx(error, rel=1e-5)


@pytest.mark.one_backend
def test_nothing_is_trained_twice_and_more_can_be_asked_for(make, capsys):
    first = make(seeds=1, contenders=[hard_sharing()])
    first.run()
    kept = records(first)
    more = make(seeds=2, contenders=[hard_sharing(), split("dense1")])
    plan = more.plan()
    assert plan.known == len(first.trainings) < plan.trainings
    capsys.readouterr()
    more.run()
    assert "seed 0, hard sharing" not in capsys.readouterr().out
    assert kept.items() <= records(more).items()
    assert make(seeds=2, contenders=[split("dense1")]).waiting() == []
    assert len(make(seeds=1).found().others) == 4  # Two of seed 1, and the split.


class Stop(BaseException):
    """As a keyboard interrupt, which nothing catches."""


@pytest.mark.parametrize(
    "names", [["age"], pytest.param(["age", "species"], marks=pytest.mark.one_backend)]
)
def test_a_stopped_training_ends_in_the_same_records(make, tmp_path, monkeypatch, names):
    """One network, or also those of two tasks and of both."""
    parts = [examples(20), examples(12, 1), examples(12, 2)]
    parts = [(x, {name: y[name] for name in names}) for x, y in parts]
    arguments = {
        "tasks": {name: tasks()[name] for name in names},
        **dict(zip(("train", "validation", "test"), parts, strict=True)),
        **{"contenders": [hard_sharing()] * (len(names) > 1)},
        **{"seeds": 1, "steps": 20, "patience": 2},
    }
    whole = make(folder=tmp_path / "whole", **arguments)
    whole.run()
    # Kept behind every epoch, and stopped behind some of them.
    monkeypatch.setattr("keras_mtl.study._keep.EVERY", -1)
    keep, epochs = keras_mtl.study.training.Keep, []

    class Stopping(keep):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            epochs.append(epoch)
            if len(epochs) % 2 == 0 and len(epochs) < 8:
                raise Stop

    monkeypatch.setattr("keras_mtl.study.training.Keep", Stopping)
    stopped = 0
    while (study := make(folder=tmp_path / "stopped", **arguments)).waiting():
        try:
            study.run()
        except Stop:
            stopped += 1
    assert stopped == 3
    assert records(study) == records(whole)
    for training in study.trainings:
        ours, theirs = (each.network(training).get_weights() for each in (study, whole))
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.one_backend
def test_patience_keeps_the_best_network(make):
    study = make(seeds=1, steps=60, patience=1, optimizer=keras.optimizers.SGD(0.3), contenders=[])
    study.run()
    ended = [study.record_of(each) for each in study.trainings if each.patience]
    assert any(len(each["loss"]) < 15 for each in ended)
    for training, record in zip((t for t in study.trainings if t.patience), ended, strict=True):
        network = study.network(training)
        network.compile(
            "sgd",
            {output: study.tasks[task].loss for output, task in training.outputs},
        )
        loss = network.evaluate(study.validation_batches(training), verbose=0, return_dict=True)
        assert loss["loss"] == pytest.approx(min(record["validation_loss"]), rel=1e-5)


def test_what_diverges_is_a_row_that_says_so(make):
    wild = Contender("wild", Branched.hard_sharing(), rate=1e30)
    given = {"steps": Budget(0, 4), "optimizer": keras.optimizers.SGD(0.1)}
    study = make(contenders=[wild], seeds=1, **given)
    found = study.run()
    assert "diverged" in found.failed["wild"] and "one-task" in found.scores
    assert "wild" in str(found) and "diverged" in str(found)
    assert study.waiting() == []
    with pytest.raises(ValueError, match="`contender`.*wild.*diverged"):
        found.model("wild")


@pytest.mark.one_backend
def test_what_does_not_fit_is_a_row_that_says_so(make):
    found = make(contenders=[split("nowhere"), hard_sharing()], seeds=1).run()
    assert "nowhere" in found.failed["split at nowhere"] and "hard sharing" in found.scores


@pytest.mark.one_backend
def test_rows_of_another_version_are_shown_apart(make, monkeypatch):
    now = make(seeds=1).versions
    make(seeds=1).run()
    monkeypatch.setattr("keras_mtl.study.study.versions", lambda: {**now, "keras": "3.99"})
    study = make(seeds=1)
    assert len(study.waiting()) == len(study.trainings) + 2
    found = study.found()
    assert not found.scores and len(found.others) == 2
    assert "2 further rows" in str(found) and "keras 3.15" in str(found)


@pytest.mark.one_backend
def test_a_damaged_network_is_named_with_what_to_do(make):
    study = make(seeds=1)
    study.run()
    path = study.file_of(study.rows[-1].networks[0])
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{path.name}.*Remove it.*trained again"):
        study.found().model("hard sharing")
    path.unlink()
    again = make(seeds=2)
    # What nobody waits for is not trained again, and what somebody does is.
    assert all(job.seed == 1 for job in again.waiting())
    again.run()


@pytest.mark.one_backend
def test_a_network_that_is_needed_is_trained_again(make):
    study = make(contenders=[hard_sharing()], seeds=1)
    study.run()
    for path in (study.folder / "networks").glob("*.keras"):
        path.unlink()
    more = make(contenders=[cross_stitch()], seeds=1)
    more.run()
    assert more.found().scores.keys() == {"one-task", "cross-stitch", "twin of cross-stitch"}


@pytest.mark.one_backend
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"tasks": {"a": Task.regression()}}, "tasks"),
        ({"train": examples(20, 5)}, "train"),
        ({"test": examples(13, 2)}, "test"),
    ],
)
def test_a_folder_of_another_study_is_refused(make, changed, message):
    study = make()
    if "tasks" in changed:
        part = (examples(20)[0], {"a": examples(20)[1]["age"]})
        changed |= {"train": part, "validation": part, "test": part}
    before = (study.folder / "study.json").read_bytes()
    with pytest.raises(ValueError, match=f"`folder` must be new.*{message}"):
        make(**changed)
    assert (study.folder / "study.json").read_bytes() == before


@pytest.mark.one_backend
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"tasks": 3}'])
def test_a_damaged_study_is_named(make, content):
    path = make().folder / "study.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="`folder` must hold a whole file.*study.json"):
        make()


X, Y = examples(20)


def _species():
    return {"species": tasks()["species"]}


def _of_two_inputs():
    inputs = [keras.Input((4,), name=name) for name in "ab"]
    return keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Add()(inputs)))


WRONG = {
    "steps": ({"steps": 1}, ValueError, "`steps`.*1"),
    "seeds": ({"seeds": 0}, ValueError, "`seeds`.*0"),
    "batch": ({"batch_size": 0}, ValueError, "`batch_size`.*0"),
    "patience": ({"patience": 0}, ValueError, "`patience`.*0"),
    "tasks": ({"tasks": {}}, ValueError, "`tasks` must be a dict"),
    "head alone": ({"tasks": {"age": keras.layers.Dense(1)}}, TypeError, "tasks.*age.*Task"),
    "train": ({"train": X}, ValueError, r"`train`.*pair.*ndarray"),
    "labels": ({"train": (X, Y["age"])}, ValueError, "`train`.*dict by the tasks"),
    "task missing": ({"test": (X, {"age": Y["age"]})}, ValueError, "`test`.*species"),
    "task unknown": ({"train": (X, {**Y, "b": Y["age"]})}, ValueError, "`train`.*no others.*'b'"),
    "lengths": ({"validation": (X[:5], Y)}, ValueError, "`validation`.*as many.*'x': 5"),
    "empty": ({"test": (X[:0], {t: y[:0] for t, y in Y.items()})}, ValueError, "`test`.*some"),
    "optimizer": ({"optimizer": "adam"}, TypeError, "`optimizer`.*adam"),
    "backbone": ({"backbone": 3}, TypeError, "`backbone`.*3"),
    "weights": ({"weights": "load"}, ValueError, "`weights`.*load"),
    "contenders": ({"contenders": "all"}, ValueError, "`contenders`.*all"),
    "contender": ({"contenders": [Branched()]}, TypeError, "`contenders`.*Branched"),
    "twice": (
        {"contenders": [hard_sharing(), Contender("hard sharing", Branched())]},
        ValueError,
        "`contenders`.*hard sharing",
    ),
    "class": (
        {"validation": (X, {**Y, "species": Y["species"] + 1})},
        ValueError,
        r"`validation` and `tasks` do not fit.*`y\['species'\]`.*3",
    ),
    "shape": ({"test": (X[:, :3], Y)}, ValueError, r"`test`.*shape \(4,\).*\(3,\)"),
    "NaN": ({"train": (X * np.nan, Y)}, ValueError, "`train: x`.*NaN.*80"),
    "lists": ({"train": ([[1, 2], [3]], Y)}, ValueError, "`train: x` must be an array"),
    "headline": (
        {"tasks": {"age": Task.regression(headline="rmse", better="lower"), **_species()}},
        ValueError,
        "`tasks.'age'.` must have a headline.*mae.*rmse",
    ),
    "metric": (
        {"tasks": {"age": Task.regression(metrics=["maee"], better="lower"), **_species()}},
        ValueError,
        "`tasks` do not fit.*maee",
    ),
    "one contender": ({"contenders": hard_sharing()}, TypeError, "`contenders` must be a list"),
    "heads": (
        {"contenders": [Contender("a", Branched(), heads={"agee": keras.layers.Dense(1)})]},
        ValueError,
        "`heads` of 'a'.*agee",
    ),
    "inputs": (
        {"backbone": _of_two_inputs(), "cuts": ["add"]},
        ValueError,
        "`backbone` must have one input",
    ),
    "budget": ({"steps": Budget({"age": 4}, 4)}, ValueError, "`first`.*species"),
    "baseline": (
        {"contenders": [Contender("one-task", Branched())]},
        ValueError,
        "`contenders`: 'one-task' is the name of the baseline",
    ),
    "cuts": ({"cuts": ["nowhere"]}, ValueError, "`cuts`.*nowhere"),
}


@pytest.mark.one_backend
@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_named_and_nothing_is_written(make, tmp_path, name):
    arguments, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        make(folder=tmp_path / "wrong", **arguments)
    assert not (tmp_path / "wrong").exists()


def test_a_trained_backbone_keeps_its_weights(make):
    model = network()
    assert make(backbone=model).backbone.weights == "draw"
    model.set_weights([weight + 0.1 for weight in model.get_weights()])
    study = make(backbone=model)
    assert study.backbone.weights == "keep"
    for seed in range(2):
        kept = study.tower(seed).model.get_weights()
        for ours, theirs in zip(kept, model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.one_backend
def test_in_processes_the_records_are_the_same(make, tmp_path):
    arguments = {"backbone": network(), "weights": "draw", "contenders": [cross_stitch()]}
    here = make(folder=tmp_path / "here", **arguments)
    here.run()
    there = make(folder=tmp_path / "there", **arguments)
    told = set()

    class Collecting(Progress):
        def goes_on(self, training):
            told.add(training.hash)

    there.run(processes(2), Collecting)
    assert records(there) == records(here)
    assert told == {training.hash for training in there.trainings}


PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from small_studies import network, tasks, examples
import keras_mtl
keras_mtl.study._keep.EVERY = -1
keras_mtl.compare(
    lambda seed: network(), tasks(), examples(40), examples(12, 1), examples(12, 2), steps=40,
    seeds=1, batch_size=8, contenders=[keras_mtl.study.cross_stitch()], cuts=["dense0"],
    folder=sys.argv[2])
"""


@pytest.mark.slow
def test_twenty_kills_at_any_moment_end_in_the_records_of_an_unbroken_run(tmp_path):
    rng = np.random.default_rng(int(time.time()))

    def started(folder):
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(Path(__file__).parents[1]), str(folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    assert started(tmp_path / "whole").wait() == 0
    kills = 0
    while kills < 20:
        process = started(tmp_path / "killed")
        time.sleep(rng.uniform(0, 12))
        if process.poll() is not None:
            (tmp_path / "killed" / "records.jsonl").unlink(missing_ok=True)  # Once more.
            continue
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    assert started(tmp_path / "killed").wait() == 0
    paths = [tmp_path / folder / "records.jsonl" for folder in ("whole", "killed")]
    whole, killed = (of_records(Records(path)) for path in paths)
    assert whole == killed and len(whole) == 12


@pytest.mark.slow
def test_a_network_of_keras_applications_with_all_that_fits(tmp_path, rng):
    backbone = keras.applications.MobileNetV2(
        (64, 64, 3), include_top=False, pooling="avg", weights=None, alpha=0.35
    )
    x = rng.random((16, 64, 64, 3)).astype("float32")
    part = (x, {"age": rng.random((16, 1)), "species": rng.integers(0, 3, 16)})
    study = keras_mtl.Study(
        backbone, tasks(), part, part, part, steps=4, seeds=2, batch_size=8, folder=tmp_path
    )
    plan = study.plan()
    assert plan.trainings == 2 * 22 and "M MACs" in str(plan)
    found = study.run()
    assert not found.failed and len(found.scores) >= 6
    assert all(set(of_seeds) == {0, 1} for of_seeds in found.scores.values())
    assert found.model("cross-stitch").predict(x, verbose=0)["species"].shape == (16, 3)
