"""whole_file: what it writes is there as a whole, or not at all."""

import threading

import pytest

from keras_mtl._whole_file import whole_file

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
