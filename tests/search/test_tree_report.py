"""TreeReport: what comes back from its file, and which files are none."""

import copy
import json

import numpy as np
import pytest

from keras_mtl.search import TreeReport
from keras_mtl.search.tree_report import TreeRow

pytestmark = pytest.mark.one_backend

TASKS, LOCATIONS = ("a", "b", "c"), ("one", "two")
JOINED, PARTED = [["a", "b", "c"]], [["a"], ["b", "c"]]
REPORT = TreeReport(
    TASKS,
    LOCATIONS,
    np.arange(18.0).reshape(2, 3, 3),
    "macs",
    (
        TreeRow(0.75, 10, 20, {"one": JOINED, "two": JOINED}),
        TreeRow(0.0, 15, 30, {"one": JOINED, "two": PARTED}),
    ),
    1,
)


@pytest.fixture
def path(tmp_path):
    REPORT.save(tmp_path / "tree.json")
    return tmp_path / "tree.json"


def test_it_comes_back(path):
    found = TreeReport.load(path)
    np.testing.assert_array_equal(found.affinity, REPORT.affinity)
    for part in ("tasks", "locations", "measure", "front", "chosen"):
        assert getattr(found, part) == getattr(REPORT, part)
    assert str(found) == str(REPORT)


@pytest.mark.parametrize(
    "key, value",
    [
        *(("tasks", value) for value in (None, 3, [1, 2, 3], ["a", "b"], ["a", "b", "d"])),
        *(("locations", value) for value in ({}, ["two", "one"], ["one"], None)),
        *(("affinity", value) for value in ([], [[1, 2], [3]], "x", None, np.eye(3).tolist())),
        *(("measure", value) for value in (None, "time", ["macs"], {})),
        *(("front", value) for value in ([], None, [3], [{}], {"a": 1})),
        *(("chosen", value) for value in (2, -1, "1", 0.5, [], True)),
    ],
)
def test_a_part_that_is_none(path, key, value):
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, key: value}))
    with pytest.raises(ValueError, match=f"`path` must be a whole file of `TreeReport.*{path}"):
        TreeReport.load(path)
    del content[key]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"`path` must be a whole file .*KeyError: '{key}'"):
        TreeReport.load(path)


def places(content, above=()):
    """The way to everything in a JSON file."""
    yield above
    if isinstance(content, dict | list):
        keys = list(content) if isinstance(content, dict) else range(len(content))
        for key in keys:
            yield from places(content[key], (*above, key))


def test_any_damage(path):
    """Whatever is in a file's place in turn: it is refused, or all of the report works."""
    original, refused = json.loads(path.read_text()), 0
    ways = list(places(original))[1:]
    for number, (*above, last) in enumerate(ways):
        for value in ((None, [["a"]]), ("x", {}), (-1, 1.5), ([], True))[number % 4]:
            content = inner = copy.deepcopy(original)
            for key in above:
                inner = inner[key]
            inner[last] = value
            path.write_text(json.dumps(content))
            try:
                report = TreeReport.load(path)
            except ValueError as error:
                refused += 1
                assert str(error).startswith("`path` must be a whole file of `TreeReport.save`")
            else:
                assert str(report) and report.position(1e9) >= 0
    assert refused > len(ways)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"3", b"null", b"\xff\xfe", b"[" * 100_000])
def test_other_files(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="`path` must be a whole file of `TreeReport.save`"):
        TreeReport.load(path)


def test_the_file_system_has_its_own_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        TreeReport.load(tmp_path / "absent.json")
