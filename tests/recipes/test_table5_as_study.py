"""The networks of Table 5, declared as a study, are those of the table to the bit."""

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl.recipes._dense_networks import DenseNetworks
from keras_mtl.recipes._networks import DROPOUT
from keras_mtl.recipes.cross_stitch_table5 import TABLE
from keras_mtl.sharing import Branched, LatentShared
from keras_mtl.study import Budget, Contender, cross_stitch, ensemble, split
from keras_mtl.towers import CaffeNet, Tower
from keras_mtl.towers.caffenet import STAGES

pytestmark = pytest.mark.one_backend
PAIR = TABLE.problem.pair


def fcn(settings, data, seed, **options):
    """A network of the recipe, of which heads are taken."""
    return keras_mtl.applications.FCN(
        Branched.independent(),
        {task: data.kinds[task] for task in PAIR},
        data.train["image"].shape[1:],
        seed=seed,
        dropout=DROPOUT,
        **settings.network,
        **options,
    )


@pytest.fixture(scope="module")
def study(tiny_data, tmp_path_factory):
    settings, data = tiny_data

    def head(task, **options):
        def made(seed):
            built = fcn(settings, data, seed, **options).head(task)
            return type(built).from_config(built.get_config())

        return made

    def tower(seed):
        net = CaffeNet(
            include_top=False,
            input_shape=data.train["image"].shape[1:],
            fully_convolutional=True,
            dropout=DROPOUT,
            seed=seed,
            **settings.network,
        )
        return Tower(net, STAGES)

    def examples(part):
        return part["image"], {task: part[task] for task in PAIR}

    return keras_mtl.Study(
        tower,
        {task: keras_mtl.Task(head(task), data.losses[task]) for task in PAIR},
        examples(data.train),
        examples(data.test),
        examples(data.test),
        steps=Budget(settings.one_task_iterations, settings.further_iterations),
        seeds=1,
        batch_size=settings.batch_size,
        optimizer=keras_mtl.optimizers.SGD(
            settings.learning_rate, settings.momentum, weight_decay=settings.weight_decay
        ),
        contenders=[
            ensemble(),
            split("conv4"),
            split("heads"),
            Contender(
                "MTL-shared",
                lambda seed: LatentShared(settings.latent_size, DROPOUT, seed=seed),
                heads={task: head(task, head_dropout=0.0) for task in PAIR},
            ),
            cross_stitch(
                after=keras_mtl.applications.cross_stitch_fcn.AFTER,
                alpha=settings.alpha,
                learning_rate_multiplier=settings.alpha_rate,
            ),
        ],
        folder=tmp_path_factory.mktemp("study"),
    )


ROWS = {
    "one-task": "one-task",
    "ensemble": "ensemble",
    "split conv4": "split at conv4",
    "split heads": "split at heads",
    "MTL-shared": "MTL-shared",
    "cross-stitch": "cross-stitch",
}


@pytest.mark.parametrize("row", ROWS)
def test_the_networks_are_the_same(study, tiny_data, tmp_path_factory, row):
    """After all steps, and so after each: another weight, batch or rate would be in them."""
    settings, data = tiny_data
    folder = tmp_path_factory.getbasetemp() / "table5"
    before = TABLE.rows[row](DenseNetworks(settings, data, PAIR, folder, seed=0))
    of_row = next(each for each in study.rows if each.contender == ROWS[row])
    for job in study.waiting():
        if job.name in {each.name for each in with_all_before(of_row)}:
            job.run(study)
    now = [study.network(each) for each in of_row.networks]
    assert [model.tasks for model in now] == [model.tasks for model in before]
    for ours, theirs in zip(now, before, strict=True):
        weights = {weight.path: weight for weight in theirs.weights}
        assert len(ours.weights) == len(weights)
        for weight in ours.weights:
            np.testing.assert_array_equal(
                keras.ops.convert_to_numpy(weight),
                keras.ops.convert_to_numpy(weights[weight.path]),
            )


def with_all_before(row):
    return keras_mtl.study.row.with_all_before(row.networks)
