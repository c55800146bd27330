"""What the zoo holds, as a table and for other programs."""

import json
import re

import pytest

from keras_mtl.applications.catalog import ENTRIES, counts
from keras_mtl.cli import main

pytestmark = pytest.mark.one_backend


def test_the_whole_zoo_for_other_programs(capsys):
    assert main(["list", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert list(found) == list(ENTRIES)
    for name, of_name in counts().items():
        assert found[name]["parameters"] == of_name.parameters
        assert found[name]["ships"] == ENTRIES[name].trained.is_file()
        assert found[name]["source"] == ENTRIES[name].source


@pytest.mark.parametrize("width, whole", [(80, False), (149, False), (150, True)])
def test_a_narrow_terminal_shows_the_first_columns(width, whole, monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # As a terminal.
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["list"]) == 0
    printed = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    assert all(name in printed for name in ENTRIES)  # None is broken into two lines.
    assert max(map(len, printed.splitlines())) <= width
    assert ("M MACs (paper)" in printed) == ("source" in printed) == whole
