"""Classifiers factorised over one basis: its algebra, its weights, its training."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_mtl import MultiTaskModel
from keras_mtl.sharing import Branched, LatentShared
from keras_mtl.towers import Tower

TASKS = {"a": 4, "b": 5, "c": 2}


def tower():
    image = keras.Input((6, 6, 3))
    x = layers.Conv2D(8, 3, activation="relu", name="one")(image)
    x = layers.Conv2D(7, 3, activation="relu", name="two")(x)
    return Tower(keras.Model(image, x), ["one"])


def model_of(sharing, tasks=TASKS):
    return MultiTaskModel(
        tower(), sharing, {task: layers.Dense(size) for task, size in tasks.items()}
    )


def test_parameters_counted_by_hand():
    towers = 3 * ((3 * 3 * 3 * 8 + 8) + (3 * 3 * 8 * 7 + 7))
    basis = 7 * 3
    heads = sum(3 * size + size for size in TASKS.values())
    assert model_of(LatentShared(3)).count_params() == towers + basis + heads


def test_classifiers_are_of_the_rank_of_the_basis_and_span_it(rng):
    model = model_of(LatentShared(3))
    features = {task: model.stage(task, "two") for task in TASKS}
    x = rng.normal(size=(2, 6, 6, 3)).astype("float32")
    outputs = model(x)
    basis = model.get_layer("latent_basis").get_weights()[0]
    classifiers = []
    for task in TASKS:
        kernel, bias = model.head(task).get_weights()
        classifier = basis @ kernel
        classifiers.append(classifier)
        own = features[task](model.stage(task, "one")(x))
        expected = ops.convert_to_numpy(own) @ classifier + bias
        np.testing.assert_allclose(ops.convert_to_numpy(outputs[task]), expected, atol=1e-5)
    assert np.linalg.matrix_rank(np.concatenate(classifiers, axis=1)) == 3


def test_every_task_trains_the_basis_and_only_its_own_tower(rng):
    model = model_of(LatentShared(3))
    before = {weight.path: ops.convert_to_numpy(weight).copy() for weight in model.weights}
    model.compile("sgd", loss={"a": "mse"})
    model.fit(
        rng.normal(size=(4, 6, 6, 3)).astype("float32"),
        {"a": rng.normal(size=(4, 2, 2, 4)).astype("float32")},
        verbose=0,
    )
    moved = {
        weight.path.split("/")[0]
        for weight in model.weights
        if (ops.convert_to_numpy(weight) != before[weight.path]).any()
    }
    assert moved == {"a_one", "a_two", "latent_basis", "a_head"}


def test_dropout_falls_on_the_features_of_each_task_in_its_own_way(rng):
    same = layers.Activation("linear")
    model = MultiTaskModel(tower(), LatentShared(64, 0.5, seed=3), {"a": same, "b": same})
    for stage in ("one", "two"):
        model.stage("b", stage).set_weights(model.stage("a", stage).get_weights())
    x = rng.normal(size=(2, 6, 6, 3)).astype("float32")
    still = model(x, training=False)
    np.testing.assert_array_equal(*(ops.convert_to_numpy(still[task]) for task in "ab"))
    dropped = model(x, training=True)
    a, b = (ops.convert_to_numpy(dropped[task]) for task in "ab")
    assert (a != b).any() and (a != ops.convert_to_numpy(still["a"])).any()


def test_saves_and_loads_and_gives_its_basis(rng, tmp_path):
    x = rng.normal(size=(2, 6, 6, 3)).astype("float32")
    model = model_of(LatentShared(3, dropout=0.2, seed=1))
    model.save(tmp_path / "latent.keras")
    loaded = keras.models.load_model(tmp_path / "latent.keras")
    twin = model_of(LatentShared(3)).initialize_from(model)
    for other in (loaded, twin):
        for task, output in model(x).items():
            np.testing.assert_array_equal(
                ops.convert_to_numpy(output), ops.convert_to_numpy(other(x)[task])
            )
    assert LatentShared.from_config(model_config := LatentShared(3, 0.2, 1).get_config())
    assert model_config == {"latent_size": 3, "dropout": 0.2, "seed": 1}


@pytest.mark.parametrize("size", [0, -1, 2.0, "3"])
def test_wrong_sizes_are_refused(size):
    with pytest.raises(ValueError, match="`latent_size` must be an integer >= 1"):
        LatentShared(size)


def test_one_task_is_refused():
    with pytest.raises(ValueError, match="at least two tasks"):
        model_of(LatentShared(3), {"a": 4})


def test_towers_are_those_of_independent_tasks():
    latent, independent = model_of(LatentShared(3)), model_of(Branched.independent())
    for task in TASKS:
        for stage in independent.stages:
            assert latent.stage(task, stage).name == independent.stage(task, stage).name
