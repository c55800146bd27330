"""The pages are built without a warning, and have all that the library exports."""

import importlib
import re
import subprocess
import sys

import pytest
from docs.pages import ROOT

import keras_mtl

pytestmark = pytest.mark.one_backend
PACKAGES = [name for name in keras_mtl.__all__ if hasattr(getattr(keras_mtl, name), "__path__")]


def test_every_package_has_a_page():
    pages = {path.stem for path in (ROOT / "docs" / "api").glob("*.md")}
    assert pages == {"index", "keras_mtl", *PACKAGES}
    listed = (ROOT / "docs" / "api" / "index.md").read_text()
    assert pages - {"index"} <= set(re.findall(r"^\w+$", listed, re.MULTILINE))


# As `make docs` does, which takes most of a minute.
@pytest.mark.slow
def test_pages_are_built_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-c", "docs", "-n", "-W", "--keep-going", "-q"]
    built = subprocess.run([*command, ".", tmp_path], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    objects = "".join(path.read_text() for path in (tmp_path / "docs" / "api").glob("*.html"))
    for package in PACKAGES:
        exported = importlib.import_module(f"keras_mtl.{package}")
        for name in getattr(exported, "__all__", ()):
            thing = getattr(exported, name)
            if hasattr(thing, "__path__") or not callable(thing):
                continue
            if getattr(keras_mtl, name, None) is thing:
                continue  # It stands at the top.
            assert f'id="keras_mtl.{package}.{name}"' in objects
    start = (tmp_path / "docs" / "cross_stitch.html").read_text()
    assert 'href="api/layers.html#keras_mtl.layers.CrossStitch"' in start
    assert (tmp_path / "_images" / "splits.png").exists()
    assert "hard sharing" in (tmp_path / "docs" / "example.html").read_text()
    # Nothing is asked of other sites: formulas are MathML.
    assert "<math" in start and not re.search(r'<(script|link)[^>]* (src|href)="http', start)
