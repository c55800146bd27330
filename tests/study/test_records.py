"""Lines that are appended, by several at once, by those who are stopped."""

import json
import subprocess
import sys

import pytest

from keras_mtl.study.records import Records

pytestmark = pytest.mark.one_backend


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path / "records.jsonl")


def test_nothing_is_there_yet(records):
    assert records.read() == [] and records.by_hash() == {}


def test_records_come_back_in_order(records):
    lines = [{"hash": "a", "value": 0.1}, {"hash": "b", "text": "ä\n"}, {"hash": "a", "value": 2}]
    for line in lines:
        records.append(line)
        assert records.by_hash()[line["hash"]] == line
    assert records.read() == lines
    assert set(records.by_hash()) == {"a", "b"}


@pytest.mark.parametrize("end", range(1, 20, 3))
def test_a_line_that_was_cut_takes_no_other_with_it(records, end):
    records.append({"hash": "a"})
    whole = json.dumps({"hash": "b", "value": 1}).encode()
    with records.path.open("ab") as file:
        file.write(whole[:end])
    assert records.read() == [{"hash": "a"}]
    records.append({"hash": "c"})
    assert records.read() == [{"hash": "a"}, {"hash": "c"}]


def test_a_line_that_is_no_record_is_named(records):
    records.append({"hash": "a"})
    with records.path.open("ab") as file:
        file.write(b"something else\n")
    with pytest.raises(ValueError, match=r"line 2.*something else.*Remove"):
        records.read()


def test_what_another_process_appends_is_seen(records, tmp_path):
    program = (
        "import sys; from keras_mtl.study.records import Records\n"
        "records = Records(sys.argv[1])\n"
        "for number in range(200): records.append({'hash': f'{sys.argv[2]}{number}'})"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(records.path), name])
        for name in ("a", "b")
    ]
    assert [process.wait() for process in running] == [0, 0]
    expected = {f"{name}{number}" for name in "ab" for number in range(200)}
    assert set(records.by_hash()) == expected and len(records.read()) == len(expected)
