"""The dense recipes at a miniature size."""

import dataclasses

import pytest

from recipes._dense_data import TASKS, DenseData
from recipes._dense_settings import PRESETS

TINY = dataclasses.replace(
    PRESETS["mini"],
    size=32,
    train_images=8,
    test_images=5,
    batch_size=4,
    network={"width": 0.03, "stem_strides": 2, "padding": "same", "rescale": 1 / 64},
    one_task_iterations={task: 4 for task in TASKS},
    further_iterations=4,
    latent_size=5,
)


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory):
    """The settings, and the data that goes with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield TINY, DenseData("rooms", TINY)


@pytest.fixture
def tiny(tiny_data, monkeypatch):
    """Makes `preset="tiny"` known to the recipes."""
    settings, data = tiny_data
    monkeypatch.setitem(PRESETS, "tiny", settings)
    monkeypatch.setattr("recipes._dense_table.DenseData", lambda name, settings: data)
    return settings
