"""whole_file: what it writes is there as a whole, or not at all."""

import errno
import os
import subprocess
import sys
import threading
import time

import pytest

from keras_mtl import _files
from keras_mtl._files import whole_file

pytestmark = pytest.mark.one_backend


def test_until_the_end_the_old_file_stands(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with whole_file(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old" and unfinished.suffix == path.suffix
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(str(path)) as unfinished:
        unfinished.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_two_threads_do_not_write_into_one_file(tmp_path):
    path, names = tmp_path / "a.txt", []

    def write():
        with whole_file(path) as other:
            names.append(other)
            other.write_text("other")

    with whole_file(path) as mine:
        mine.write_text("mine")
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert path.read_text() == "other" and names != [mine]
    assert path.read_text() == "mine"


@pytest.mark.parametrize("path", ["nowhere/a.txt", "folder"])
def test_an_error_names_the_file_that_was_meant(path, tmp_path):
    (tmp_path / "folder").mkdir()
    path = tmp_path / path
    with pytest.raises(OSError) as raised, whole_file(path) as unfinished:
        unfinished.write_text("a")
    assert str(path) in str(raised.value) and "unfinished" not in str(raised.value)


@pytest.mark.parametrize("suffixes", ["", ".keras", ".weights.h5", ".tar.gz"])
@pytest.mark.parametrize("stem", ["a", "run_0.001_of_3", "ä" * 120, "x" * 244])
def test_names_may_be_as_long_as_they_can_be(stem, suffixes, tmp_path):
    path = tmp_path / f"{stem[: 255 - len(suffixes)]}{suffixes}"
    with whole_file(path) as unfinished:
        unfinished.write_text("new")
        assert unfinished.name.endswith(suffixes) and len(os.fsencode(unfinished.name)) < 200
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".x" * 80, f".{'x' * 200}"])
def test_what_is_no_suffix_of_a_format_makes_no_long_name(suffix, tmp_path):
    with whole_file(tmp_path / f"a{suffix}") as unfinished:
        unfinished.write_text("new")
        assert len(unfinished.name) < 120
    assert (tmp_path / f"a{suffix}").read_text() == "new"


def test_it_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    path, calls = tmp_path / "a.txt", []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(
        os, "fsync", lambda each: calls.append(os.fstat(each).st_ino) or fsync(each)
    )
    monkeypatch.setattr(os, "replace", lambda *names: calls.append("name") or replace(*names))
    with whole_file(path) as unfinished:
        unfinished.write_text("new")
    assert calls == [path.stat().st_ino, "name", tmp_path.stat().st_ino]


def test_a_disk_that_does_not_take_it_is_an_error(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"), whole_file(path) as unfinished:
        unfinished.write_text("new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


# Of processes that were killed

HERE = _files._place() or "0" * 12


def name_of(process, place=HERE):
    """What a process calls its file."""
    return f".unfinished-keras_mtl-{place}-{process}-{'a1' * 6}.weights.h5"


@pytest.fixture(scope="module")
def dead():
    with subprocess.Popen([sys.executable, "-S", "-c", ""]) as process:
        process.wait()
    return process.pid


def left(folder, name, age=0.0):
    (folder / name).write_text("half")
    os.utime(folder / name, (time.time() - age,) * 2)
    return folder / name


@pytest.mark.skipif(_files._place() is None, reason="needs Linux")
def test_what_the_dead_have_left_is_removed(dead, tmp_path):
    path = tmp_path / "b.txt"
    abandoned = left(tmp_path, name_of(dead))
    kept = [left(tmp_path, name_of(process)) for process in (os.getpid(), 1, 10**30)]
    with whole_file(path) as unfinished:
        assert not abandoned.exists() and _files.UNFINISHED.fullmatch(unfinished.name)
        unfinished.write_text("new")
    assert set(tmp_path.iterdir()) == {path, *kept}


@pytest.mark.parametrize("kind", ["elsewhere", "foreign", "folder", "link"])
def test_what_is_not_known_to_be_abandoned_stays(kind, dead, tmp_path):
    """Of another machine, whose processes have the same numbers; of others; no file of ours."""
    name = name_of(dead)
    if kind == "elsewhere":
        left(tmp_path, name_of(dead, "0123456789ab"))
    elif kind == "foreign":
        for other in (name[1:], f".{name}", name.replace("keras_mtl", "keras"), f"{name[:40]}.h5"):
            left(tmp_path, other, age=1e9)
    elif kind == "folder":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).symlink_to(left(tmp_path, "target"))
    before = set(tmp_path.iterdir())
    with whole_file(tmp_path / "b.txt") as unfinished:
        unfinished.write_text("new")
    assert set(tmp_path.iterdir()) == before | {tmp_path / "b.txt"}


def test_after_a_day_nobody_writes_any_more(tmp_path):
    """Wherever the process was, or if its number is another one's by now."""
    for age, remain in ((23 * 3600, 2), (25 * 3600, 0)):
        for place in (HERE, "0123456789ab"):
            left(tmp_path, name_of(os.getpid(), place), age)
        with whole_file(tmp_path / "b.txt") as unfinished:
            unfinished.write_text("new")
        assert len(list(tmp_path.glob(".unfinished*"))) == remain
