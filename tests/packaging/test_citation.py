"""What people cite is the version that they have."""

import re
from pathlib import Path

import pytest

import keras_mtl

pytestmark = pytest.mark.one_backend


def test_it_is_of_this_version():
    text = (Path(__file__).parents[2] / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", text, re.MULTILINE) == [keras_mtl.__version__]
