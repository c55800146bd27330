"""Tasks end where what is watched says so, and the weights are those of the epochs they were."""

import math

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_mtl
from keras_mtl import MultiTaskModel, Task
from keras_mtl.callbacks import TaskEarlyStopping
from keras_mtl.callbacks._watched import direction_in, keys_of
from keras_mtl.sharing import Branched, CrossStitched

NAN = math.nan
# Of age the error is best in epoch 1, of kind the accuracy in epoch 5.
AGE = [5.0, 4.0, 4.5, 4.0, 4.2, 4.2, 4.2, 4.2, 4.2, 4.2]
KIND = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.6, 0.5, 0.5, 0.5]
SCRIPT = {"val_age_mae": AGE, "val_kind_accuracy": KIND}
TASKS = {"age": Task.regression(), "kind": Task.classification(3)}


def model_of(sharing=None, tasks=TASKS, optimizer=None, **compiled):
    image = keras.Input((4,))
    x = layers.Dense(5, activation="tanh", name="one")(image)
    x = layers.BatchNormalization(name="two")(x)
    tower = keras_mtl.towers.Tower(keras.Model(image, x), ["one"])
    model = MultiTaskModel(tower, sharing or Branched.split(at="two"), tasks, name="small")
    optimizer = optimizer or keras_mtl.optimizers.SGD(0.1, momentum=0.9)
    model.compile(optimizer, **compiled)
    return model


def batch(rng, tasks=("age", "kind")):
    y = {"age": rng.normal(size=(8, 1)), "kind": rng.integers(0, 3, 8)}
    return rng.normal(size=(8, 4)), {task: y[task] for task in tasks}


def weights_of(model):
    return {x.path: ops.convert_to_numpy(x) for x in model.weights}


class Script(keras.callbacks.Callback):
    """Writes into the logs what was to be found, and keeps the weights as they are trained."""

    def __init__(self, script=None):
        super().__init__()
        self.script, self.weights = script or {}, {}

    def on_epoch_end(self, epoch, logs=None):
        logs.update({key: values[epoch] for key, values in self.script.items()})
        self.weights[epoch] = weights_of(self.model)


def fit(model, rng, stopping, script=SCRIPT, epochs=10, **options):
    """The epochs that were run, the weights after each, and those that others saw behind."""
    before, behind = Script(script), Script()
    data = batch(rng, model.tasks)
    callbacks = [before, *keras.tree.flatten(stopping), behind]
    options = {"verbose": 0, "batch_size": 8, **options}
    model.fit(*data, epochs=epochs, callbacks=callbacks, **options)
    return list(before.weights), before.weights, behind.weights


def by_hand(model, stopping, script):
    """Calls the hooks with what is written; returns the epochs until training would stop."""
    stopping.set_model(model)
    stopping.on_train_begin()
    model.stop_training, epochs = False, 0
    for values in zip(*script.values(), strict=True):
        stopping.on_epoch_end(epochs, dict(zip(script, values, strict=True)))
        epochs += 1
        if model.stop_training:
            break
    stopping.on_train_end()
    return epochs


def assert_equal(found, expected, paths):
    assert paths
    for path in paths:
        np.testing.assert_array_equal(found[path], expected[path], err_msg=path)


def test_tasks_freeze_one_by_one_at_their_best(rng):
    model = model_of()
    stopping = TaskEarlyStopping({"age": "mae", "kind": "accuracy"}, patience=2)
    epochs, trained, behind = fit(model, rng, stopping)
    assert stopping.stopped_epochs == {"age": 3, "kind": 7} and epochs == list(range(8))
    assert stopping.best == {"age": 4.0, "kind": 0.6}
    assert stopping.best_epochs == {"age": 1, "kind": 5} and stopping.best_epoch is None

    final = weights_of(model)
    own = [path for path in final if path.startswith("age_")]
    # Head and batch normalisation, with its moving statistics.
    assert len(own) == 6 and len(final) == 14
    assert_equal(final, trained[1], own)
    assert_equal(final, trained[5], set(final) - set(own))
    for epoch in range(8):
        at = trained[1 if epoch >= 3 else epoch]
        assert_equal(behind[epoch], at, own)
    # Momentum and statistics go on within an epoch; what is shared goes on learning.
    assert all((trained[4][path] != trained[1][path]).any() for path in own)
    assert all((trained[7][path] != trained[3][path]).any() for path in set(final) - set(own))
    assert model.left_out == []
    model.set_weights([np.zeros_like(x) for x in model.get_weights()])
    stopping.on_test_begin()  # As of an `evaluate` later on.
    assert not any(x.any() for x in weights_of(model).values())


def test_what_is_frozen_is_not_learned(rng):
    """Without momentum nothing moves it; without `restore_best_weights` it stays as it ended."""
    model = model_of(optimizer=keras.optimizers.SGD(0.1))
    stopping = TaskEarlyStopping(patience=2, restore_best_weights=False)
    _, trained, behind = fit(model, rng, stopping, epochs=6)
    final = weights_of(model)
    head = [path for path in final if path.startswith("age_head")]
    assert_equal(trained[5], trained[3], head)
    assert all((trained[3][path] != trained[2][path]).any() for path in head)
    assert_equal(final, trained[3], [path for path in final if path.startswith("age_")])
    assert_equal(final, trained[5], [path for path in final if not path.startswith("age_")])


def test_training_stops_at_the_best_mean_gain(rng):
    # In %: 0, 0, 25, 0, 15; age alone is best in epoch 1.
    script = {
        "val_age_mae": [10, 8, 9, 14, 9, 9],
        "val_kind_accuracy": [0.5, 0.4, 0.7, 0.7, 0.6, 0.6],
    }
    model = model_of()
    stopping = TaskEarlyStopping(then="stop", patience=2)
    epochs, trained, behind = fit(model, rng, stopping, script, epochs=6)
    assert epochs == list(range(5)) and stopping.best_epoch == 2
    assert stopping.best_epochs == {"age": 1, "kind": 2}
    assert stopping.stopped_epochs == {"age": 4, "kind": 4}
    final = weights_of(model)
    assert_equal(final, trained[2], set(final))
    assert_equal(behind[3], trained[3], set(final))


@pytest.mark.parametrize("options", [{}, {"patience": None}, {"restore_best_weights": False}])
def test_stop_by_one_task_or_never(options):
    model = model_of()
    stopping = TaskEarlyStopping(["age"], **{"then": "stop", "patience": 1, **options})
    stopping.set_model(model)
    stopping.on_train_begin()
    model.stop_training, stopped = False, []
    for epoch, value in enumerate([0.0, -1.0, 3.0, 2.0]):  # No gain is relative to 0.
        model.set_weights([np.full_like(x, epoch) for x in model.get_weights()])
        stopping.on_epoch_end(epoch, {"val_age_mae": value})
        stopped.append(model.stop_training)
    assert stopped == [False, False, *[stopping.patience is not None] * 2]
    stopping.on_train_end()
    best = 1 if stopping.restore_best_weights else 3
    assert all((x == best).all() for x in weights_of(model).values())
    assert stopping.best_epoch == (1 if stopping.restore_best_weights else None)


@pytest.mark.parametrize(
    "values, options, stopped, best",
    [
        ([3, 2, 2, 2, 1], {"patience": 0}, 2, 1),
        ([3, 2, 2, 2, 1], {"patience": 1}, 2, 1),
        ([3, 2, 2, 2, 1], {"patience": 2}, 3, 1),
        ([3, 2, 2, 2, 1], {"patience": 3}, None, 4),
        ([3, 2.5, 2.1, 1.9, 1.9], {"patience": 2, "min_delta": 1}, 2, 0),
        ([3, 2.5, 2.1, 1.9, 1.9], {"patience": 3, "min_delta": 1}, None, 3),
        ([1, 3, 4, 2, 3], {"patience": 1, "start_from_epoch": 1}, 2, 1),
        ([NAN, 3, 2, NAN, 2], {"patience": 2}, 4, 2),
        ([NAN, 3, NAN, NAN, 2], {"patience": 2}, 3, 1),
        ([NAN] * 5, {"patience": 3}, 3, None),
        ([NAN, NAN, 1, 1, 1], {"patience": 1}, 1, None),
    ],
)
@pytest.mark.parametrize("better", ["lower", "higher"])
def test_when_a_task_has_ended(values, options, stopped, best, better):
    values = [value if better == "lower" else -value for value in values]
    stopping = TaskEarlyStopping({"age": ("score", better)}, **options)
    by_hand(model_of(), stopping, {"age_score": values})
    assert stopping.stopped_epochs.get("age") == stopped
    assert stopping.best_epochs.get("age") == best
    assert stopping.best.get("age") == (None if best is None else values[best])


def test_the_mean_gain_is_of_numbers_other_than_0():
    stopping = TaskEarlyStopping(then="stop", patience=None)
    script = {
        "val_age_mae": [NAN, 5, 4, NAN, 2, 3, NAN],
        "val_kind_accuracy": [0.1, 0, 0.2, 0.9, 0.2, 0.4, 0.9],
    }
    by_hand(model_of(), stopping, script)
    # Of the values in epoch 2, from there on: 0, NaN, 25, 62.5, NaN.
    assert stopping.best_epoch == 5 and stopping.best["kind"] == 0.9
    with pytest.warns(UserWarning, match=r"\['age', 'kind'\].*numbers.*'age': 2"):
        by_hand(model_of(), stopping, {**script, "val_kind_accuracy": [NAN] * 7})
    assert stopping.best_epoch is None and stopping.best == {"age": 2}


def test_a_single_task_is_compared_by_its_values_alone():
    stopping = TaskEarlyStopping(["age"], then="stop", patience=3, min_delta=1)
    by_hand(model_of(), stopping, {"val_age_mae": [0.0, 2.0, 1.0, -0.5, -1.5]})
    assert stopping.best_epoch == 0 and stopping.stopped_epochs == {"age": 3}


@pytest.mark.one_backend
def test_a_task_without_values_ends_with_another(rng):
    model = model_of()
    stopping = TaskEarlyStopping(["kind", "age"], patience=2)
    script = {"val_age_mae": [NAN] * 3, "val_kind_accuracy": [0.5, 0.4, 0.4]}
    _, trained, _ = fit(model, rng, stopping, script, epochs=3)
    assert stopping.stopped_epochs == {"kind": 2, "age": 2}
    final = weights_of(model)
    assert_equal(final, trained[2], [path for path in final if path.startswith("age_")])
    assert_equal(final, trained[0], [path for path in final if not path.startswith("age_")])


@pytest.mark.one_backend
def test_a_single_task_that_has_not_ended_is_put_back_too(rng):
    model = model_of()
    stopping = TaskEarlyStopping(patience=3)
    epochs, trained, _ = fit(model, rng, stopping, epochs=7)
    assert stopping.stopped_epochs == {"age": 4}
    final = weights_of(model)
    assert_equal(final, trained[5], [path for path in final if not path.startswith("age_")])
    assert_equal(final, trained[1], [path for path in final if path.startswith("age_")])

    # Two keep what they learned last.
    epochs, trained, _ = fit(model, rng, stopping, epochs=3)
    assert stopping.stopped_epochs == {} and stopping.best_epochs == {"age": 1, "kind": 2}
    assert_equal(weights_of(model), trained[2], set(final))


@pytest.mark.one_backend
def test_tasks_that_are_not_watched_go_on(rng):
    model = model_of()
    stopping = TaskEarlyStopping(["age"], patience=1)
    epochs, trained, _ = fit(model, rng, stopping, epochs=5)
    assert epochs == list(range(5)) and stopping.stopped_epochs == {"age": 2}
    final = weights_of(model)
    assert_equal(final, trained[4], [path for path in final if not path.startswith("age_")])


@pytest.mark.one_backend
def test_what_other_tasks_depend_on_is_not_held(rng):
    """Through the units, the tower of one task is part of the other's network."""
    model = model_of(CrossStitched(["one"]))
    _, trained, _ = fit(model, rng, TaskEarlyStopping(["age"], patience=1), epochs=4)
    final = weights_of(model)
    moved = {path for path in final if (final[path] != trained[1][path]).any()}
    held = {path for path in final if path.startswith("age_") and "one" not in path}
    assert len(held) == 6 and moved == set(final) - held


@pytest.mark.one_backend
def test_callbacks_with_a_patience_each(rng):
    model = model_of()
    both = [
        TaskEarlyStopping(["age"], patience=1),
        TaskEarlyStopping({"kind": "accuracy"}, patience=3),
    ]
    epochs, trained, _ = fit(model, rng, both)
    assert both[0].stopped_epochs == {"age": 2} and both[1].stopped_epochs == {"kind": 8}
    assert epochs == list(range(9))
    final = weights_of(model)
    assert_equal(final, trained[1], [path for path in final if path.startswith("age_")])
    assert_equal(final, trained[5], [path for path in final if not path.startswith("age_")])


def test_every_fit_starts_anew(rng, tmp_path):
    model = model_of()
    stopping = TaskEarlyStopping(patience=2)
    fit(model, rng, stopping)
    model.save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    script = {key: [None] * 5 + values for key, values in SCRIPT.items()}
    epochs, trained, _ = fit(model, rng, stopping, script, epochs=15, initial_epoch=5)
    assert stopping.stopped_epochs == {"age": 8, "kind": 12} and epochs == list(range(5, 13))
    first = weights_of(model)
    assert_equal(first, trained[6], [path for path in first if path.startswith("age_")])
    # All tasks are learned again.
    fit(model, rng, [], {}, epochs=1)
    final = weights_of(model)
    assert all((final[path] != first[path]).any() for path in final)


class Fails(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            assert self.model.left_out == ["age"]
            raise KeyboardInterrupt


def test_what_was_left_out_before_is_left_out_again(rng):
    model = model_of()
    stopping = TaskEarlyStopping(["age"], patience=1)
    with pytest.raises(KeyboardInterrupt):
        fit(model, rng, [stopping, Fails()])
    assert model.left_out == []
    model.leave_out("kind")
    epochs, _, _ = fit(model, rng, stopping)
    assert epochs == [0, 1, 2]  # No task is left to learn.
    assert model.left_out == ["kind"]


@pytest.mark.one_backend
def test_validation_sees_what_is_held(rng):
    """The values in the history are those of the weights that a task ends with."""
    model = model_of(Branched.independent(), optimizer=keras.optimizers.Adam(0.1))
    data, found = batch(rng), []
    stopping = TaskEarlyStopping({"age": ("script", "lower")}, patience=1)
    seen = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: found.append(logs["val_age_mae"])
    )
    fit(model, rng, [stopping, seen], {"age_script": AGE}, epochs=5, validation_data=data)
    assert stopping.best_epochs == {"age": 1} and stopping.stopped_epochs == {"age": 2}
    assert found[3] == found[4] == found[1] != found[2]
    final = ops.convert_to_numpy(model.predict_on_batch(data[0])["age"])
    np.testing.assert_allclose(found[1], np.abs(final - data[1]["age"]).mean(), rtol=1e-4)


@pytest.mark.one_backend
@pytest.mark.parametrize("split", [False, True])
def test_epochs_without_validation_do_not_count(rng, split):
    model = model_of()
    data = {"validation_split": 0.5} if split else {"validation_data": batch(rng)}
    stopping = TaskEarlyStopping(patience=3)
    fit(model, rng, stopping, {}, epochs=3, validation_freq=2, **data)
    assert set(stopping.best_epochs.values()) == {1}
    assert stopping._keys == {"age": ["val_age_mae"], "kind": ["val_kind_accuracy"]}


OF_TWO = ["loss", "age_loss", "age_mae", "kind_accuracy", "val_loss", "val_age_mae", "val_age_loss"]


@pytest.mark.parametrize(
    "name, logs, keys",
    [
        ("mae", OF_TWO, ["val_age_mae"]),
        ("age_mae", OF_TWO, ["val_age_mae"]),
        ("val_mae", OF_TWO, ["val_age_mae"]),
        ("val_age_mae", OF_TWO, ["val_age_mae"]),
        ("loss", OF_TWO, ["val_age_loss"]),
        ("age_loss", OF_TWO, ["val_age_loss"]),
        ("kind_accuracy", OF_TWO, ["kind_accuracy"]),
        ("mae", OF_TWO[:4], ["age_mae"]),
        ("loss", OF_TWO[:4], ["age_loss"]),
        ("val_loss", OF_TWO[:4], None),
        ("val_mae", OF_TWO[:4], None),
        ("loss", ["loss", "val_loss", "kind_loss"], None),
        ("accuracy", OF_TWO, None),
    ],
)
def test_names_of_what_is_watched(name, logs, keys):
    logs = dict.fromkeys(logs, 1.0)
    if keys is None:
        with pytest.raises(ValueError, match=f"`monitor`.*in the logs.*loss.*{name}.*'age'"):
            keys_of(model_of(), "age", name, logs)
    else:
        assert keys_of(model_of(), "age", name, logs) == keys


def test_names_of_a_single_output():
    model = model_of(tasks={"age": Task.regression()})
    logs = dict.fromkeys(["loss", "mae", "val_loss", "val_mae"], 1.0)
    for name in ("mae", "loss"):
        for before in ("", "val_", "age_", "val_age_"):
            assert keys_of(model, "age", before + name, logs) == [f"val_{name}"], before
    del logs["val_mae"], logs["val_loss"]
    assert keys_of(model, "age", "loss", logs) == ["loss"]


@pytest.mark.one_backend
def test_a_task_of_several_outputs(rng):
    task = Task(
        Two(),
        loss={"mean": "mse", "width": "mae"},
        metrics={"mean": ["mae"], "width": [keras.metrics.R2Score(name="fit")]},
    )
    model = model_of(tasks={"age": task, "kind": Task.classification(3)})
    assert task.headline == "mean_mae" and model.outputs_of("age") == ["age_mean", "age_width"]
    x, y = batch(rng)
    y = {"age_mean": y["age"], "age_width": y["age"], "kind": y["kind"]}
    watched = [TaskEarlyStopping(patience=9), TaskEarlyStopping({"age": "age_loss"}, patience=9)]
    logs = model.fit(x, y, epochs=1, verbose=0, callbacks=watched).history
    assert watched[0].best["age"] == pytest.approx(logs["age_mean_mae"][0])
    total = logs["age_mean_loss"][0] + logs["age_width_loss"][0]
    assert watched[1].best["age"] == pytest.approx(total)
    assert direction_in(model, "age", "width_fit") == "higher"
    model.leave_out("age")
    assert model.left_out == ["age"]


@keras.saving.register_keras_serializable("test_task_early_stopping")
class Two(layers.Layer):
    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 1), name="kernel")

    def call(self, x):
        return {"mean": x @ self.kernel, "width": x @ self.kernel * 2}


def own_score(y_true, y_pred):
    return ops.mean(y_pred, axis=-1)


@pytest.mark.one_backend
def test_directions(rng):
    metrics = {
        "age": [
            keras.metrics.MeanAbsoluteError(name="far"),
            keras.metrics.R2Score(name="near"),
            own_score,
        ],
        "kind": ["accuracy"],
    }
    task = Task(layers.Dense(1), "mse", [own_score], better="higher")
    model = model_of(tasks={"age": task, "kind": layers.Dense(3)}, metrics=metrics, loss="mse")
    x, y = batch(rng)
    y["kind"] = np.eye(3)[y["kind"]]
    model.fit(x, y, verbose=0)
    expected = {
        ("age", "far"): "lower",
        ("age", "val_age_near"): "higher",
        ("age", "own_score"): "higher",  # As its task says.
        ("kind", "accuracy"): "higher",
        ("kind", "loss"): "lower",
        ("kind", "angular_error"): "lower",
        ("kind", "segmentation_mean_iu"): "higher",
        ("kind", "mse"): "lower",
    }
    assert {key: direction_in(model, *key) for key in expected} == expected
    with pytest.raises(ValueError, match="`monitor` must say.*'higher' or a 'lower' own_score"):
        direction_in(model, "kind", "own_score")


def test_what_is_printed(capsys):
    for then in ("freeze", "stop"):
        by_hand(model_of(), TaskEarlyStopping(then=then, patience=2, verbose=1), SCRIPT)
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 4: age has ended, it was best in epoch 2.",
        "Epoch 8: kind has ended, it was best in epoch 6.",
        "Epoch 8: no task has improved, training stops.",
        "All weights are those of the end of epoch 6.",
    ]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"monitor": {}}, "`monitor` must name a task.*{}"),
        ({"monitor": []}, r"`monitor` must name a task.*\[\]"),
        ({"monitor": 3}, "`monitor` must be a name or a list of names.*3"),
        ({"monitor": {"age": 3}}, "`monitor` must be a dict from task.*'age': 3"),
        ({"monitor": {"age": ("mae", "min")}}, "`monitor` must be .*'higher' or 'lower'.*min"),
        ({"monitor": {"age": (None, "lower")}}, "`monitor` must be .*None"),
        ({"then": "halt"}, "`then` must be one of.*halt"),
        ({"patience": -1}, "`patience` must be .* >= 0.*-1"),
        ({"patience": 1.5}, "`patience`.*1.5"),
        ({"patience": None}, "`patience` may be None with then='stop'.*freeze"),
        ({"min_delta": -0.1}, "`min_delta` must be at least 0.*-0.1"),
        ({"min_delta": NAN}, "`min_delta`.*nan"),
        ({"start_from_epoch": -1}, "`start_from_epoch` must be .*-1"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        TaskEarlyStopping(**options)


@pytest.mark.parametrize(
    "monitor, logs, message",
    [
        ({"size": "mae"}, {}, r"`monitor` must be one of \['age', 'kind'\].*size"),
        (["size"], {}, "`monitor` must be one of.*size"),
        (None, {}, "`monitor` must say what is watched of 'kind'.*'small'"),
        ({"age": "mse"}, {"age_mae": 1.0, "loss": 1.0}, r"\['age_mae', 'loss'\].*'mse' of 'age'"),
        ({"age": "score"}, {"age_score": 1.0}, "`monitor` must say.*'higher' or a 'lower' score"),
    ],
)
def test_what_does_not_fit_the_model(monitor, logs, message):
    tasks = {"age": Task.regression(), "kind": layers.Dense(3)}
    model = model_of(tasks=tasks, loss="mse")
    with pytest.raises(ValueError, match=message):
        by_hand(model, TaskEarlyStopping(monitor), {key: [x] for key, x in logs.items()})


def test_other_models_are_refused():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(1)], name="plain")
    model.compile("sgd", "mse")
    with pytest.raises(TypeError, match="must be a MultiTaskModel.*plain"):
        model.fit(np.ones((2, 4)), np.ones((2, 1)), verbose=0, callbacks=[TaskEarlyStopping()])
