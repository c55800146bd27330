"""Networks of attributes: the published counts of three ways of sharing, training, files."""

import math

import keras
import numpy as np
import pytest

from keras_mtl.applications import AttributeVGG, BranchedVGG
from keras_mtl.losses import AttributesCrossentropy
from keras_mtl.sharing import Branched
from keras_mtl.towers.thin_vgg16 import STAGES

pytestmark = pytest.mark.whole_network

ATTRIBUTES = [f"attribute{number}" for number in range(40)]
TINY = dict(input_shape=(32, 32, 3), width=2)


@pytest.fixture
def trainable():
    """Counts parameters of networks that it builds without values in their weights."""

    def count(build, *args, **options):
        with keras.StatelessScope(initialize_variables=False):
            model = build(*args, **options)
        return sum(math.prod(weight.shape) for weight in model.trainable_weights)

    yield count
    # Keras would make up for the values in the next scope that it opens.
    keras.utils.clear_session()


# Published counts


def celeba_tree(rng):
    """Of the published sizes; which attributes are together is invented, and does not count."""
    places = rng.permutation(np.arange(1, 40))

    def partition(groups):
        # The first places of one list: a finer partition has all cuts of a coarser one.
        return [list(map(str, x)) for x in np.split(ATTRIBUTES, sorted(places[: groups - 1]))]

    return [partition(groups) for groups in 6 * [1] + 5 * [2] + [3, 10, 18, 33]]


def test_published_tree_of_celeba(trainable, rng):
    tree = celeba_tree(rng)
    assert [len(partition) for partition in tree[5:]] == [1, 2, 2, 2, 2, 2, 3, 10, 18, 33]
    assert trainable(BranchedVGG, tree, ATTRIBUTES) == 8_830_248


def test_all_shared_and_nothing_shared(trainable):
    assert trainable(AttributeVGG, Branched.hard_sharing(), ATTRIBUTES) == 870_312
    # Forty networks take Keras half a minute.
    assert trainable(AttributeVGG, Branched.independent(), ATTRIBUTES[:2]) * 20 == 34_611_240


# Small networks


def test_a_branched_network_starts_from_one_task_networks_and_trains(rng, tmp_path):
    tasks = ["smiling", "bald", "young"]
    tree = {"pool5": [tasks], "fc6": [["smiling", "young"], ["bald"]]}
    model = BranchedVGG(tree, tasks, **TINY, dropout=0.1, seed=1)
    assert model.tasks == tasks and model.stages == list(STAGES)
    runs = {stage: {model.stage(task, stage).name for task in tasks} for stage in STAGES}
    assert [len(names) for names in runs.values()] == 13 * [1] + [2, 3]
    assert {model.head(task).dropout.rate for task in tasks} == {0.1}

    donors = [
        AttributeVGG(Branched.independent(), [task], **TINY, seed=number)
        for number, task in enumerate(tasks, 5)
    ]
    model.initialize_from(*donors)
    for task, donor in zip(tasks, donors, strict=True):
        for ours, theirs in (
            (model.stage(task, "fc7"), donor.stage(task, "fc7")),
            (model.head(task), donor.head(task)),
        ):
            for weight, twin in zip(ours.get_weights(), theirs.get_weights(), strict=True):
                np.testing.assert_array_equal(weight, twin)

    model.compile(keras.optimizers.SGD(0.01), dict.fromkeys(tasks, AttributesCrossentropy()))
    x = rng.uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    y = {task: rng.integers(-1, 2, (4, 1)) for task in tasks}
    with pytest.raises(ValueError, match=r"`y\['bald'\]` must have 1 attributes"):
        model.fit(x, {**y, "bald": np.zeros((4, 2))})
    assert np.isfinite(model.fit(x, y, epochs=2, verbose=0).history["loss"]).all()

    expected = model.predict(x, verbose=0)
    assert {task: logits.shape for task, logits in expected.items()} == dict.fromkeys(tasks, (4, 1))
    model.save(tmp_path / "model.keras")
    found = keras.models.load_model(tmp_path / "model.keras").predict(x, verbose=0)
    for task in tasks:
        np.testing.assert_allclose(found[task], expected[task], rtol=1e-5, atol=1e-6)


def test_every_task_draws_weights_of_its_own():
    first, same = (
        AttributeVGG(Branched.hard_sharing(), ["a", "b", "c"], **TINY, seed=seed) for seed in (2, 2)
    )
    for weight, twin in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, twin)
    kernels = [first.head(task).get_weights()[0] for task in first.tasks]
    assert len({kernel.tobytes() for kernel in kernels}) == 3


def test_weights_of_a_file(tmp_path):
    tree, tasks, path = {"fc6": [["a", "b"]]}, ["a", "b"], tmp_path / "some.weights.h5"
    model = BranchedVGG(tree, tasks, **TINY, seed=1)
    model.save_weights(path)
    twin = BranchedVGG(tree, tasks, weights=path, **TINY, seed=2)
    for ours, theirs in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("tasks", ["smiling", ["bald", "bald"], {"bald": 1}])
def test_tasks_are_different_names(tasks):
    with pytest.raises(ValueError, match="`tasks` must be a list of different names. Received"):
        AttributeVGG(Branched.hard_sharing(), tasks, **TINY)


def test_a_tree_of_other_tasks_is_refused():
    with pytest.raises(ValueError, match="`tree` must put each of the tasks"):
        BranchedVGG({"fc6": [["a", "b"]]}, ["a", "b", "c"], **TINY)
