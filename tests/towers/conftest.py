"""Shared by the tests of the towers: quick weights, and none."""

import keras
import pytest
from numpy_weights import draw_by_numpy


@pytest.fixture(autouse=True)
def weights_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


@pytest.fixture
def shapes_only():
    """Builds networks without values in their weights, which counts and sizes do not need."""

    def network(build, *args, **options):
        with keras.StatelessScope(initialize_variables=False):
            return build(*args, **options)

    yield network
    # Keras would make up for the values in the next scope that it opens.
    keras.utils.clear_session(free_memory=False)
