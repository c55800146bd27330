"""What a task is, and what it refuses."""

import functools

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl import Task
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import (
    ASPPDepthHead,
    ASPPMapHead,
    ASPPNormalsHead,
    ASPPSegmentationHead,
    AttributesHead,
    DepthHead,
    DetectionHead,
    NormalsHead,
    SegmentationHead,
)
from keras_mtl.metrics import MeanIU
from keras_mtl.task.heads import made_head


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


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("mse", "numbers"),
        ("sparse_categorical_crossentropy", "classes"),
        (keras.losses.CategoricalFocalCrossentropy(), "classes"),
        (keras.losses.BinaryCrossentropy(from_logits=True), "attributes"),
        (keras.losses.binary_crossentropy, "attributes"),
        (keras_mtl.losses.AttributesCrossentropy(), "attributes"),
    ],
)
def test_what_the_outputs_are_is_known_of_the_loss(loss, kind):
    assert Task(keras.layers.Dense(3), loss).kind == kind


@pytest.mark.parametrize(
    ("head", "kind", "loss"),
    [
        (SegmentationHead(3, (8, 8), 2), "classes", "SegmentationCrossentropy"),
        (
            NormalsHead(NormalsCodebook.default(), (8, 8), 2),
            "normals",
            "NormalsCodebookCrossentropy",
        ),
        (DepthHead((8, 8), 2), "metres", "DepthL1"),
        (ASPPSegmentationHead(3, features=4), "classes", "SegmentationCrossentropy"),
        (ASPPNormalsHead(features=4), "normals", "NormalsCosine"),
        (ASPPDepthHead(features=4), "metres", "DepthL1"),
        (ASPPMapHead(features=4), "numbers", "MapL1"),
        (AttributesHead(3), "attributes", "AttributesCrossentropy"),
    ],
)
def test_every_head_of_the_library_has_a_ready_task(head, kind, loss):
    task = Task.of(head)
    assert (task.kind, type(task.loss).__name__, task.head) == (kind, loss, head)
    with pytest.raises(TypeError, match="`head`.*Dense"):
        Task.of(keras.layers.Dense(3))


@pytest.mark.parametrize("kind", ["classes", "attributes", "numbers"])
def test_probabilities_are_averaged_where_the_loss_takes_logits(kind, rng):
    loss = {
        "classes": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "attributes": keras.losses.BinaryCrossentropy(from_logits=True),
        "numbers": "mse",
    }[kind]
    models = [model_of(task=Task(keras.layers.Dense(3), loss)) for _ in range(2)]
    x = rng.normal(size=(5, 4)).astype("float32")
    logits = [model.predict(x, verbose=0)["task"] for model in models]
    shares = {
        "classes": lambda x: np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True),
        "attributes": lambda x: 1 / (1 + np.exp(-x)),
        "numbers": lambda x: x,
    }[kind]
    mean = (shares(logits[0]) + shares(logits[1])) / 2
    found = keras_mtl.Ensemble(models).predict(x, verbose=0)["task"]
    np.testing.assert_allclose(found, mean, rtol=1e-5, atol=1e-6)
    task = models[0].task("task")
    again = shares(keras.ops.convert_to_numpy(task.outputs_for(task.prediction(logits[0]))))
    np.testing.assert_allclose(again, shares(logits[0]), rtol=1e-5, atol=1e-6)


def own_metric(y_true, y_pred):
    return y_pred


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"head": 3}, TypeError, "`head`.*layer.*3"),
        ({"head": keras.layers.Dense}, TypeError, "`head`.*layer.*Dense"),
        ({"head": lambda seed: 3}, TypeError, "`head`.*layer.*returns 3"),
        ({"loss": ["mse"]}, ValueError, "`loss`.*mse"),
        ({"classes": "cat"}, ValueError, "`classes`.*cat"),
        ({"classes": 3}, ValueError, "`classes`.*3"),
        ({"classes": ["a", "a"]}, ValueError, "`classes`.*different.*'a'"),
        ({"weight": None}, ValueError, "`weight`.*None"),
        ({"loss": None}, ValueError, "`loss`.*None"),
        ({"metrics": "mae"}, ValueError, "`metrics` must be a list.*mae"),
        ({"metrics": [own_metric]}, ValueError, "`better`.*own_metric"),
        ({"metrics": [MeanIU(3)]}, ValueError, "`better`.*mean_iu"),
        ({"metrics": [3]}, ValueError, "`metrics` must have names.*3"),
        ({"better": "up"}, ValueError, "`better`.*higher.*up"),
        ({"weight": -1.0}, ValueError, "`weight`.*-1"),
        ({"weight": float("nan")}, ValueError, "`weight`.*nan"),
        ({"kind": "colours"}, ValueError, "`kind`.*numbers.*colours"),
        ({"columns": {"error": "mae"}}, ValueError, "`columns`.*heading.*mae"),
        ({"loss": {"a": "mse"}, "metrics": ["mae"]}, ValueError, r"`metrics` .*\['a'\].*mae"),
        ({"loss": {"a": "mse"}, "metrics": {"b": ["mae"]}}, ValueError, r"`metrics` .*\['a'\].*b"),
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
    "map": Task.map(2, (8, 8)),
    "detection": Task.detection(["chair", "lamp"]),
    "of a codebook": Task.of(NormalsHead(NormalsCodebook.default(), (8, 8), 2)),
    "several": Task(
        keras.layers.Identity(), {"a": "mse", "b": keras.losses.Huber()}, {"b": ["mae"]}
    ),
    "own": Task(keras.layers.Dense(1), keras.losses.Huber(), [keras.metrics.AUC()], weight=3),
}


@pytest.mark.parametrize("name", READY)
def test_a_task_goes_through_its_configuration(name):
    task = READY[name]
    again = Task.from_config(task.get_config())
    assert again.get_config() == task.get_config()
    fields = ("headline", "better", "weight", "classes", "kind", "columns", "heading")
    for field in fields:
        assert getattr(again, field) == getattr(task, field)


def test_options_come_before_what_is_ready():
    task = Task.classification(5, weight=0.5, metrics=["sparse_top_k_categorical_accuracy"])
    assert task.weight == 0.5 and task.headline == "sparse_top_k_categorical_accuracy"
    assert task.columns == {task.headline: (task.headline, 1)}
    assert Task.regression(metrics=["r2_score"]).better == "higher"
    assert Task.classification(["a", "b"]).classes == ["a", "b"]
    assert Task.classification(5).head.units == 5


def test_a_head_may_be_made_of_a_seed():
    task = Task(lambda seed: keras.layers.Dense(1, name=f"seed_{seed}"), "mse")
    assert made_head(task.head, 7).name == "seed_7"
    assert task.get_config()["head"]["config"]["name"] == "seed_0"


class Two(keras.layers.Layer):
    """A head of two outputs."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.parts = {key: keras.layers.Dense(1, name=key) for key in "ab"}

    def build(self, shape):
        for part in self.parts.values():
            part.build(shape)

    def call(self, inputs):
        return {key: part(inputs) for key, part in self.parts.items()}


def model_of(shape=(4,), **tasks):
    image = keras.Input(shape)
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


def test_weights_that_are_not_given_are_those_of_the_tasks(rng):
    model = model_of(
        age=Task.regression(), marks=Task.attributes(10), both=Task(Two(), {"a": "mse", "b": None})
    )
    model.compile("sgd", loss_weights={"age": 2.0})
    y = {"age": rng.normal(size=(8, 1)), "marks": np.ones((8, 10))}
    y |= dict.fromkeys(("both_a", "both_b"), np.ones((8, 1)))
    found = model.evaluate(rng.normal(size=(8, 4)), y, verbose=0, return_dict=True)
    parts = 2 * found["age_loss"] + 0.1 * found["marks_loss"] + found["both_a_loss"]
    assert found["loss"] == pytest.approx(parts, rel=1e-5)


def test_a_smaller_model_of_the_same_tasks_knows_them():
    image = keras.Input((4,))
    x = keras.layers.Dense(4, name="one")(image)
    net = keras.Model(image, keras.layers.Dense(4, name="two")(x))
    tower = keras_mtl.towers.Tower(net, ["one"])
    tasks = {"age": Task.regression(), "kind": Task.classification(["a", "b"])}
    model = keras_mtl.MultiTaskModel(tower, keras_mtl.sharing.AdaShared(), tasks)
    pruned = keras_mtl.search.prune(model, {"age": "10", "kind": "11"})
    assert pruned.task("kind").classes == ["a", "b"]
    assert pruned.task("kind").head is not tasks["kind"].head


def test_what_keras_cannot_write_is_named_when_it_is_saved(tmp_path):
    model = model_of(
        age=Task(keras.layers.Dense(1), functools.partial(keras.losses.huber, delta=2))
    )
    with pytest.warns(UserWarning, match="'age' is written without its loss"):
        model.save(tmp_path / "model.keras")
    assert keras.models.load_model(tmp_path / "model.keras", compile=False).task("age") is None


def test_functions_of_a_seed_are_asked_what_they_make():
    codebook = NormalsCodebook.default()
    task = Task.normals(head=lambda seed: NormalsHead(codebook, (8, 8), 2, seed=seed))
    assert (task.kind, type(task.loss).__name__) == ("normals", "NormalsCodebookCrossentropy")
    assert Task(lambda seed: DepthHead((8, 8), 2), "mse").kind == "metres"


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


def test_a_task_of_several_outputs(rng, tmp_path):
    """Its weight is that of the sum of its losses; a file knows all of it."""
    x = rng.normal(size=(8, 2, 4)).astype("float32")
    y = {
        "detection_classes": rng.integers(0, 3, (8, 2)),
        "detection_boxes": np.concatenate(
            [rng.integers(0, 3, (8, 2, 1)), rng.normal(size=(8, 2, 4))], axis=-1
        ).astype("float32"),
    }
    task = Task.detection(["chair", "lamp"], weight=0.5, metrics={"classes": ["accuracy"]})
    model = model_of((2, 4), detection=task)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert loaded.task("detection").classes == ["chair", "lamp"]
    for each in (model, loaded):
        each.compile("sgd")
        found = each.evaluate(x, y, verbose=0, return_dict=True)
        parts = [found[f"detection_{key}_loss"] for key in ("classes", "boxes")]
        assert found["loss"] == pytest.approx(0.5 * sum(parts), rel=1e-5)
        assert "detection_classes_accuracy" in found and min(parts) > 0


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task(DetectionHead(2), "mse"), "`loss` of the task 'own' must be a dict.*boxes.*classes"),
        (Task(keras.layers.Dense(2), {"a": "mse"}), "`loss` of the task 'own' must be one.*a"),
        (
            Task(DetectionHead(5), dict.fromkeys(["classes", "boxes"], "mse"), classes=["a"]),
            "5.*'a'",
        ),
        (
            Task(keras.layers.Dense(1), "mse", kind="classes"),
            "`kind` of the task 'own'.*attributes",
        ),
        (
            Task.classification(["a", "b"], head=keras.layers.Dense(3)),
            "`classes` of the task 'own'.*3.*'b'",
        ),
    ],
)
def test_losses_and_classes_must_be_those_of_the_head(task, message):
    with pytest.raises(ValueError, match=message):
        model_of(own=task)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Task.attributes(2, head=AttributesHead(5)),
        lambda: Task.detection(["a", "b"], head=DetectionHead(5)),
        lambda: Task.of(DepthHead((8, 8), 2), ["a"]),
        lambda: Task.of(SegmentationHead(3, (8, 8), 2), []),
    ],
)
def test_classes_must_be_those_of_the_head_that_is_given(made):
    with pytest.raises(ValueError, match="`head` must be of 2 classes|`classes` must be"):
        made()


@pytest.mark.parametrize("classes", [0, "abc", ["a", 3], 2.5, True, []])
def test_classes_are_a_number_or_names(classes):
    with pytest.raises(ValueError, match="`classes` must be a number of 1 or more, or a list"):
        Task.classification(classes)


@pytest.mark.one_backend
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
        steps=keras_mtl.study.Budget(0, 1),
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
