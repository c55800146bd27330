"""What a task is, and what it refuses."""

import keras
import pytest

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
