"""Shared by the tests of the zoo: quick weights."""

import pytest
from numpy_weights import draw_by_numpy


@pytest.fixture(autouse=True)
def weights_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)
