"""What a task is, and what it refuses."""

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl import Task
from keras_mtl.metrics import MeanIU
from keras_mtl.task import made_head


@pytest.mark.parametrize(
    ("metrics", "direction"),
    [
        (["mae"], "lower"),
        (["accuracy"], "higher"),
        (["r2_score", "mae"], "higher"),
        ([keras.metrics.AUC()], "higher"),
        ([], "lower"),  # The loss itself.
    ],
)
def test_the_direction_of_what_keras_knows(metrics, direction):
    task = Task(keras.layers.Dense(1), "mse", metrics)
    assert task.better == direction


def test_the_headline_is_the_first_metric_or_the_one_that_is_named():
    head = keras.layers.Dense(1)
    assert Task(head, "mse", ["mae", "r2_score"]).headline == "mae"
    named = Task(head, "mse", ["mae", "r2_score"], headline="r2_score")
    assert (named.headline, named.better) == ("r2_score", "higher")
    assert Task(head, "mse").headline == "loss"


def own_metric(y_true, y_pred):
    return y_pred


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"head": 3}, TypeError, "`head`.*layer.*3"),
        ({"loss": None}, ValueError, "`loss`.*None"),
        ({"metrics": "mae"}, ValueError, "`metrics` must be a list.*mae"),
        ({"metrics": [own_metric]}, ValueError, "`better`.*own_metric"),
        ({"metrics": [MeanIU(3)]}, ValueError, "`better`.*mean_iu"),
        ({"metrics": [3]}, ValueError, "`metrics` must have names.*3"),
        ({"better": "up"}, ValueError, "`better`.*higher.*up"),
        ({"weight": -1.0}, ValueError, "`weight`.*-1"),
        ({"weight": float("nan")}, ValueError, "`weight`.*nan"),
    ],
)
def test_what_does_not_fit_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        Task(**{"head": keras.layers.Dense(1), "loss": "mse", **arguments})


READY = {
    "regression": Task.regression(2),
    "classification": Task.classification(["cat", "dog"]),
    "attributes": Task.attributes(["red", "round"]),
    "segmentation": Task.segmentation(["wall", "floor", "ball"], (8, 8)),
    "normals": Task.normals((8, 8)),
    "depth": Task.depth((8, 8)),
    "own": Task(keras.layers.Dense(1), keras.losses.Huber(), [keras.metrics.AUC()], weight=3),
}


@pytest.mark.parametrize("name", READY)
def test_a_task_goes_through_its_configuration(name):
    task = READY[name]
    again = Task.from_config(task.get_config())
    assert again.get_config() == task.get_config()
    assert (again.headline, again.better, again.weight, again.classes) == (
        task.headline,
        task.better,
        task.weight,
        task.classes,
    )


def test_options_come_before_what_is_ready():
    task = Task.classification(5, weight=0.5, metrics=["sparse_top_k_categorical_accuracy"])
    assert task.weight == 0.5 and task.headline == "sparse_top_k_categorical_accuracy"
    assert Task.classification(["a", "b"]).classes == ["a", "b"]
    assert Task.classification(5).head.units == 5


def test_a_head_may_be_made_of_a_seed():
    task = Task(lambda seed: keras.layers.Dense(1, name=f"seed_{seed}"), "mse")
    assert made_head(task.head, 7).name == "seed_7"
    assert task.get_config()["head"]["config"]["name"] == "seed_0"


def model_of(**tasks):
    image = keras.Input((4,))
    net = keras.Model(image, keras.layers.Dense(6, name="one")(image))
    return keras_mtl.MultiTaskModel(
        keras_mtl.towers.Tower(net, []), keras_mtl.sharing.Branched.hard_sharing(), tasks
    )


def test_a_model_compiles_by_its_tasks(rng, tmp_path):
    model = model_of(age=Task.regression(weight=0.5), species=Task.classification(["cat", "dog"]))
    x = rng.normal(size=(8, 4)).astype("float32")
    y = {"age": rng.normal(size=(8, 1)), "species": rng.integers(0, 2, 8)}
    model.compile(keras_mtl.optimizers.SGD(0.01))
    model.fit(x, y, verbose=0)
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(0.5 * found["age_loss"] + found["species_loss"], 1e-5)
    assert {"age_mae", "species_accuracy"} < set(found)

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert loaded.task("species").classes == ["cat", "dog"]
    assert (loaded.task("age").weight, loaded.task("age").headline) == (0.5, "mae")
    loaded.compile(keras_mtl.optimizers.SGD(0.01))
    assert loaded.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(found, rel=1e-5)


def test_what_is_given_to_compile_comes_before_the_tasks(rng):
    model = model_of(age=Task.regression())
    model.compile("sgd", loss={"age": "mae"}, metrics={"age": ["mse"]})
    x, y = rng.normal(size=(8, 4)).astype("float32"), {"age": rng.normal(size=(8, 1))}
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    error = np.abs(model.predict(x, verbose=0)["age"] - y["age"])
    assert found["loss"] == pytest.approx(error.mean(), rel=1e-5) and "mse" in found


def test_a_model_may_be_of_tasks_and_of_heads():
    model = model_of(age=Task.regression(), other=keras.layers.Dense(2))
    assert model.task("age").better == "lower" and model.task("other") is None
    with pytest.warns(UserWarning, match="other"):
        model.compile("sgd")
    with pytest.raises(ValueError, match="`task`.*nobody"):
        model.task("nobody")


def test_a_loss_that_nobody_has_registered_is_named(tmp_path):
    model = model_of(age=Task(keras.layers.Dense(1), own_metric))
    model.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="'age' is read without its loss.*own_metric"):
        loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert loaded.task("age") is None and loaded.tasks == ["age"]


def test_a_study_of_pixels_says_which_scores_it_compares(rng, tmp_path):
    """The headline of a ready task is one that `evaluate` returns."""
    x = rng.normal(size=(4, 8, 8, 3)).astype("float32")
    normals = rng.normal(size=(4, 8, 8, 3)).astype("float32")
    y = {
        "segmentation": rng.integers(0, 3, (4, 8, 8)),
        "normals": normals / np.linalg.norm(normals, axis=-1, keepdims=True),
        "depth": rng.uniform(1, 2, (4, 8, 8)).astype("float32"),
    }
    heads = keras_mtl.heads
    small = {"features": 4, "rates": [1]}
    tasks = {
        "segmentation": Task.segmentation(3, head=heads.ASPPSegmentationHead(3, (8, 8), **small)),
        "normals": Task.normals(head=heads.ASPPNormalsHead((8, 8), **small)),
        "depth": Task.depth(head=heads.ASPPDepthHead((8, 8), **small)),
    }
    image = keras.Input((8, 8, 3))
    net = keras.Model(image, keras.layers.Conv2D(4, 3, strides=2, name="conv")(image))
    study = keras_mtl.Study(
        net,
        tasks,
        (x, y),
        (x, y),
        (x, y),
        steps=2,
        seeds=1,
        batch_size=2,
        cuts=[],
        contenders=[keras_mtl.study.ensemble()],
        folder=tmp_path,
    )
    found = study.run()
    assert not found.failed
    for name in ("one-task", "ensemble"):
        scores = study.headlines(found.scores[name][0]["test"])
        assert all(np.isfinite(value) for value in scores.values()), scores
