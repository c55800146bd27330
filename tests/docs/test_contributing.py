"""Whoever follows CONTRIBUTING.md has a sharing, a tower, a data set and a recipe that work."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from repository_copy import ROOT, copy_repository

BLOCK = re.compile(r"`([\w/]+\.py)`[^`\n]*(?:`__all__`[^`\n]*)?:\n+```python\n(.*?)```", re.DOTALL)
KINDS = ("sharing", "towers", "datasets", "recipes")

# In processes of their own, and the examples have nothing that depends on the backend.
pytestmark = pytest.mark.cross_backend


def blocks():
    """Pairs of a path in the repository and what CONTRIBUTING.md writes there."""
    return BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))


def of_kind(kind):
    """A file, a test and a line of export: three dicts from path to text."""
    found = {path: text for path, text in blocks() if Path(path).parent.name == kind}
    exports = {path for path in found if path.endswith("__init__.py")}
    tests = {path for path in found if path.startswith("tests/")}
    parts = (set(found) - exports - tests, tests, exports)
    return [{path: found[path] for path in part} for part in parts]


def export(path, line):
    """Adds a line of export, and the name to `__all__`."""
    name = line.split()[-1]
    text = path.read_text(encoding="utf-8")
    text = text.replace("\n\nfrom", f"\n\n{line}from", 1)
    path.write_text(text.replace("__all__ = [", f'__all__ = ["{name}", ', 1), encoding="utf-8")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of the repository, in which all examples have been followed."""
    folder = tmp_path_factory.mktemp("repository")
    copy_repository(folder, ("keras_mtl", "applications", "recipes", "tests", "pyproject.toml"))
    for package in ("applications", "recipes"):  # As an installation maps them.
        (folder / "keras_mtl" / package).symlink_to(folder / package, target_is_directory=True)
    for path, text in blocks():
        if path.endswith("__init__.py"):
            export(folder / path, text)
        else:
            assert not (folder / path).exists(), f"{path} is there already"
            (folder / path).write_text(text, encoding="utf-8")
    return folder


def run(repository, *command):
    result = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=repository,
        env={**os.environ, "KERAS_BACKEND": "torch", "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, f"{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_it_takes_one_file_one_test_and_one_line_of_export(kind):
    files, tests, exports = of_kind(kind)
    assert len(files) == len(tests) == 1
    # Recipes are run by their names, not imported.
    assert [text.count("\n") for text in exports.values()] == [1] * (kind != "recipes")


def test_the_tests_of_the_examples_pass(repository):
    found = [of_kind(kind) for kind in KINDS]
    tests = [path for _, of_test, _ in found for path in of_test]
    names = [Path(path).stem for files, *_ in found for path in files]
    report = run(repository, "pytest", "-rA", "-W", "ignore", *tests)
    for test in tests:
        assert f"PASSED {test}" in report
    house = ["tests/test_house.py", "tests/test_docstrings.py"]
    report = run(repository, "pytest", "-rA", "-W", "ignore", *house, "-k", " or ".join(names))
    assert "test_dependencies_point_one_way[keras_mtl/sharing/blended.py]" in report
    for name in ("Blended", "LeNet300100", "discs.load"):
        assert re.search(rf"PASSED .*test_example\[.*\.{name}\]", report)


def test_the_examples_have_the_style_of_the_house(repository):
    written = [path for path, _ in blocks() if not path.endswith("__init__.py")]
    run(repository, "ruff", "check", "--no-cache", *written)
    run(repository, "ruff", "format", "--no-cache", "--check", *written)
