"""Shared by the tests of plots."""

import pytest

from keras_mtl import plots


@pytest.fixture
def axes():
    plt = plots.pyplot()
    plt.switch_backend("agg")
    yield plt.figure().gca()
    plt.close("all")
