"""Lines that are appended, by several at once, by those who are stopped."""

import json
import re
import subprocess
import sys

import pytest

from keras_mtl.study.records import Records

pytestmark = pytest.mark.one_backend


A, B, C = ({"kind": "row", "hash": name} for name in "abc")


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path / "records.jsonl")


def test_nothing_is_there_yet(records):
    assert records.read() == [] and records.by_hash() == {}


def test_records_come_back_in_order(records):
    lines = [{**A, "value": 0.1}, {**B, "text": "ä\n"}, {**A, "value": 2}]
    for line in lines:
        records.append(line)
        assert records.by_hash()[line["hash"]] == line
    assert records.read() == lines
    assert set(records.by_hash()) == {"a", "b"}


@pytest.mark.parametrize("end", range(1, 50, 5))
def test_a_line_that_was_cut_takes_no_other_with_it(records, end):
    records.append(A)
    whole = json.dumps({**B, "within": {"value": 1}}).encode()
    with records.path.open("ab") as file:
        file.write(whole[:end])
    assert records.read() == [A]
    records.append(C)
    assert records.read() == [A, C]


@pytest.mark.parametrize("line", ["something else", "[1, 2]", '{"kind": "row"}'])
def test_a_line_that_is_no_record_is_named(records, line):
    records.append(A)
    with records.path.open("ab") as file:
        file.write(line.encode() + b"\n")
    with pytest.raises(ValueError, match=rf"line 2.*{re.escape(line)}.*Remove"):
        records.read()


def test_what_another_process_appends_is_seen(records, tmp_path):
    program = (
        "import sys; from keras_mtl.study.records import Records\n"
        "records = Records(sys.argv[1])\n"
        "for number in range(50):\n"
        "    records.append({'kind': 'row', 'hash': f'{sys.argv[2]}{number}'})"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(records.path), name])
        for name in ("a", "b")
    ]
    assert [process.wait() for process in running] == [0, 0]
    expected = {f"{name}{number}" for name in "ab" for number in range(50)}
    assert set(records.by_hash()) == expected and len(records.read()) == len(expected)
