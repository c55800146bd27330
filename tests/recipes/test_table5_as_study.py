"""The networks of Table 5, as a study trains them, are those of the tables that train their own."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_mtl.recipes import _rows
from keras_mtl.recipes._dense_networks import DenseNetworks
from keras_mtl.recipes._table import Run
from keras_mtl.recipes.cross_stitch_table5 import SPLITS, TABLE
from keras_mtl.study.row import with_all_before

pytestmark = pytest.mark.one_backend
PAIR = TABLE.problem.pair
ROWS = {
    "one-task": _rows.one_task,
    "ensemble": _rows.ensemble,
    **_rows.splits(("conv4", "heads")),
    "MTL-shared": _rows.latent_shared,
    "cross-stitch": _rows.cross_stitch,
}


@pytest.fixture(scope="module")
def run(tiny_data, tmp_path_factory):
    settings, data = tiny_data
    # Of so many steps a tenth is one in which the rate rises.
    steps = {"one_task_iterations": dict.fromkeys(PAIR, 12), "further_iterations": 10}
    settings = dataclasses.replace(settings, **steps)
    folder = tmp_path_factory.mktemp("table5")
    return Run(settings, data, PAIR, folder, folder / "results.json", {}, list(ROWS))


@pytest.mark.parametrize("row", ROWS)
def test_the_networks_are_the_same(run, row):
    """After all steps, and so after each: another weight, batch or rate would be in them."""
    networks = DenseNetworks(run.settings, run.data, PAIR, run.folder / "seed_0", seed=0)
    before = ROWS[row](networks)
    study = TABLE.study_of(run, [row], 1, run.folder)
    (of_row,) = [each for each in study.rows if each.contender == row]
    for training in with_all_before(of_row.networks):
        training.run(study)
    now = TABLE.models(row, networks)
    assert [model.tasks for model in now] == [model.tasks for model in before]
    for ours, theirs in zip(now, before, strict=True):
        weights = {weight.path: weight for weight in theirs.weights}
        assert len(ours.weights) == len(weights)
        for weight in ours.weights:
            np.testing.assert_array_equal(
                keras.ops.convert_to_numpy(weight),
                keras.ops.convert_to_numpy(weights[weight.path]),
            )


def test_the_rates_of_the_paper_fall_as_there(run):
    settings = dataclasses.replace(run.settings, annealed=False, rate_falls_after=3)
    study = TABLE.study_of(dataclasses.replace(run, settings=settings), ["one-task"], 1, run.folder)
    networks = DenseNetworks(settings, run.data, PAIR, run.folder / "seed_0", seed=0)
    for training in study.trainings:
        ours = study.optimizer(training).get_config()["learning_rate"]["config"]
        first = training.schedule == "constant" and training.falls_after > 0
        theirs = networks._published_rate(settings.learning_rate, first).get_config()
        assert ours["boundaries"] == theirs["boundaries"]
        assert ours["values"] == pytest.approx(theirs["values"])


def test_all_rows_of_the_table_are_there():
    names = ["one-task", "ensemble", *(f"split {at}" for at in SPLITS)]
    assert list(TABLE.rows) == [*names, "MTL-shared", "cross-stitch"]
