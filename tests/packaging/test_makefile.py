"""`make` says what it does, and installs what the tests need."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

pytestmark = pytest.mark.one_backend


def test_help_names_every_target():
    (targets,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    shown = re.findall(r'@echo "make ([\w-]+) ', MAKEFILE)
    assert sorted(shown) == sorted(set(targets.split()) - {"help"})
    for target in targets.split():
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_the_tests_have_every_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (installed,) = re.findall(r"^\.venv/test:.*?-e '\.\[(.*?)\]'", MAKEFILE, re.MULTILINE | re.S)
    assert set(installed.split(",")) == set(extras["project"]["optional-dependencies"])


def test_clean_leaves_nothing_that_git_ignores_but_what_was_made():
    ignored = set((ROOT / ".gitignore").read_text(encoding="utf-8").split())
    (recipe,) = re.findall(r"^clean:\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    kept = {pattern for pattern in ignored if pattern.strip("/") not in recipe}
    assert kept == {"/results/", "/predictions/"}
