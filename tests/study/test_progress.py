"""How far a study is, in words and numbers."""

import types

import pytest

from keras_mtl.study import Progress, progress

pytestmark = pytest.mark.one_backend


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still unless it is set."""
    now = types.SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now.seconds)
    return now


@pytest.fixture
def jobs(make, monkeypatch):
    """Four trainings of a study as if each were the same work."""
    monkeypatch.setattr(progress, "work", lambda study, job: 100.0)
    study = make(contenders=[], seeds=1)
    return study, study.trainings


def test_time_is_told_by_what_is_done(jobs, clock, capsys):
    study, (first, second, *_) = jobs
    told = Progress(study, study.trainings)
    assert told.time_left == "" and told.share == 0
    clock.seconds = 60
    told(first)
    assert told.share == 0.25 and told.time_left == "about 3 minutes left"
    assert capsys.readouterr().out == f"1 of 4: {first.name}; about 3 minutes left\n"
    told.at(second, second.steps // 2, 0.5)
    assert capsys.readouterr().out == ""  # A line has just been.
    clock.seconds = 90
    told.at(second, second.steps, 0.25)
    assert capsys.readouterr().out.startswith(f"1 of 4: {second.name}: step 4 of 4, loss 0.25")
    told(second)
    assert told.running == {} and told.ended == "2 of 4"


def test_what_another_run_has_done_took_no_time_of_this_one(jobs, clock):
    """A network that stands at half of its steps after a second has not come so far in it."""
    study, trainings = jobs
    told = Progress(study, trainings)
    clock.seconds = 1
    told.at(trainings[0], 3, 0.5)  # Two of its four steps are of before.
    assert told.share == pytest.approx(25 / 350)
    clock.seconds = 50
    told(trainings[0])
    assert told.share == pytest.approx(50 / 350)
    assert told.time_left == "about 5 minutes left"
