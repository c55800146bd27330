"""The networks behind the tables of dense tasks."""

import shutil

import keras
import numpy as np
import pytest
from keras import ops

from keras_mtl.datasets import ArrayBatches
from keras_mtl.recipes import _networks, _resumable_fit
from keras_mtl.recipes._dense_data import IMAGE_LABELS, PAIR, TASKS
from keras_mtl.recipes._dense_networks import DenseNetworks
from keras_mtl.recipes._dense_settings import PRESETS


@pytest.fixture
def networks(tiny_data, tmp_path):
    return DenseNetworks(*tiny_data, PAIR, tmp_path / "networks", seed=0)


def weights(path):
    return keras.models.load_model(path, compile=False).get_weights()


def assert_same(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.one_backend  # `test_multi_fashion` stops on every backend
@pytest.mark.parametrize(
    "name, train",
    [
        ("one_task_normals_0", lambda networks: networks.one_task("normals")),
        ("cross_stitch", lambda networks: networks.cross_stitched()),
    ],
)
def test_a_stopped_run_goes_on_to_the_same_weights(tiny_data, tmp_path, monkeypatch, name, train):
    whole, stopped = (
        DenseNetworks(*tiny_data, PAIR, tmp_path / each, seed=0) for each in ("whole", "stopped")
    )
    train(whole)
    path = f"{name}.keras"
    for file in set(whole.folder.iterdir()) - {whole.folder / path}:
        shutil.copy(file, stopped.folder)

    class Stop(Exception):
        pass

    keep = _resumable_fit._Keep.on_epoch_end

    def keep_and_stop(self, epoch, logs=None):
        keep(self, epoch, logs)
        raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(_resumable_fit._Keep, "on_epoch_end", keep_and_stop)
        for _epoch in range(2):
            with pytest.raises(Stop):
                train(stopped)
    train(stopped)
    assert_same(weights(tmp_path / "whole" / path), weights(tmp_path / "stopped" / path))


@pytest.mark.one_backend
def test_all_rows_have_the_same_number_of_steps(networks):
    """4 + 4 steps in two parts; the stitched network has the first ones in its towers."""
    second_parts = [
        networks.further("normals"),
        networks.split("conv3"),
        networks.latent_shared(),
        networks.cross_stitched(),
        networks.cross_stitched("random", start="random"),
    ]
    assert {int(model.optimizer.iterations) for model in second_parts} == {4}
    firsts = ["one_task_normals_0", "split_conv3_first", "latent_shared_first", "random_first"]
    for name in firsts:
        model = keras.models.load_model(networks.folder / f"{name}.keras")
        assert int(model.optimizer.iterations) == 4


def test_a_stitched_network_starts_from_the_one_task_networks(networks, monkeypatch):
    monkeypatch.setattr(_networks, "resumable_fit", lambda build, *rest: build())
    donors = {task: networks.one_task(task) for task in PAIR}
    monkeypatch.setattr(networks, "one_task", donors.get)
    model = networks.cross_stitched(alpha=(0.7, 0.3), per_channel=False, after=["pool1"])
    for task in PAIR:
        for stage in model.stages:
            assert_same(
                model.stage(task, stage).get_weights(),
                donors[task].stage(task, stage).get_weights(),
            )
    (unit,) = model.units.values()
    expected = [[0.7, 0.3], [0.3, 0.7]]
    np.testing.assert_allclose(ops.convert_to_numpy(unit.alpha), expected, rtol=1e-6)
    assert unit.learning_rate_multiplier == networks.settings.alpha_rate


def test_towers_that_start_from_image_labels_are_alike(networks, monkeypatch):
    monkeypatch.setattr(_networks, "resumable_fit", lambda build, *rest: build())
    model = networks.cross_stitched(start="image labels")
    for stage in model.stages:
        assert_same(*(model.stage(task, stage).get_weights() for task in PAIR))


def test_image_labels_say_what_is_in_the_picture(tiny_data):
    _, data = tiny_data
    labels = data.targets(IMAGE_LABELS)
    for label, picture in zip(labels, data.train["segmentation"], strict=True):
        assert set(np.flatnonzero(label)) == set(np.unique(picture)) - {255}


@pytest.mark.one_backend
def test_an_ensemble_votes_with_probabilities(networks):
    one, other = networks.further("normals"), networks.further("normals", member=1)
    images = networks.data.test["image"][:2].astype("float32")
    probabilities = np.mean(
        [ops.convert_to_numpy(ops.softmax(m(images)["normals"])) for m in (one, other)], axis=0
    )
    expected = ops.convert_to_numpy(networks.data.codebook.decode(probabilities))
    networks.tasks = ("normals",)
    found = networks.predict([one, other], images)["normals"]
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.one_backend
def test_three_tasks_are_trained_and_scored(tiny_data, tmp_path):
    networks = DenseNetworks(*tiny_data, TASKS, tmp_path, seed=0)
    for model in (networks.split("fc6"), networks.latent_shared()):
        scores = networks.scores([model])
        assert set(scores) == set(TASKS)
        assert scores["depth"]["absolute_error"] > 0
        assert 0 <= scores["depth"]["within_1.25"] <= 1


@pytest.mark.one_backend
def test_divergence_is_told_and_leaves_the_last_good_epoch(networks):
    path = networks.folder / "wild.keras"
    targets = {"normals": networks.data.train["normals"]}
    batches = ArrayBatches(networks.data.train["image"], targets, 4)

    def build(rate):
        model = networks.one_task("normals")
        model.compile(keras.optimizers.SGD(rate), loss=networks.data.losses["normals"])
        return model

    _resumable_fit.resumable_fit(lambda: build(1e-3), batches, 1, path, "good")
    good = keras.models.load_model(path)
    good.optimizer.learning_rate = 1e30
    good.save(path)
    with pytest.raises(_resumable_fit.Diverged, match="the loss of epoch 2 is"):
        _resumable_fit.resumable_fit(None, batches, 3, path, "wild")
    kept = keras.models.load_model(path)
    assert int(kept.optimizer.iterations) == len(batches)
    assert all(np.isfinite(weight).all() for weight in kept.get_weights())


def test_networks_are_functions_of_the_seed(tiny_data, tmp_path, monkeypatch):
    monkeypatch.setattr(_networks, "resumable_fit", lambda build, *rest: build())
    one, other = (DenseNetworks(*tiny_data, PAIR, tmp_path, seed=3) for _ in range(2))
    for build in (
        lambda networks: networks.latent_shared(),
        lambda networks: networks._trained_on_image_labels(),
    ):
        assert_same(build(one).get_weights(), build(other).get_weights())


def test_the_paper_preset_holds_the_papers_numbers():
    paper = PRESETS["paper"]
    assert paper.one_task_iterations["segmentation"] == 25_000
    assert paper.one_task_iterations["normals"] == 15_000
    assert (paper.further_iterations, paper.batch_size, paper.momentum) == (10_000, 20, 0.9)
    assert paper.augmented
