"""Every task's gradient is its own, and together they are what the trainer steps along."""

import copy
import gc
import pickle
import weakref

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy_weights import draw_by_numpy

import keras_mtl
from keras_mtl.gradients import task_gradients

ROWS = 6


@pytest.fixture(autouse=True)
def _drawn_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


@pytest.fixture
def batch(rng):
    x = rng.normal(size=(ROWS, 3)).astype("float32")
    return x, {name: rng.normal(size=(ROWS, 2)).astype("float32") for name in ("z", "a")}


def seeded(seed):
    return keras.initializers.GlorotUniform(seed=seed)


def heads(x):
    """The tasks' order is not that of the alphabet, in which backends may sort outputs."""
    return {
        name: layers.Dense(2, name=name, kernel_initializer=seeded(seed))(x)
        for seed, name in enumerate("za")
    }


def linear_model(**options):
    """Two linear tasks on shared linear features, and losses that are no task's."""
    x = keras.Input((3,))
    y = layers.Dense(
        2, use_bias=False, name="shared", kernel_initializer=seeded(5), kernel_regularizer="l2"
    )(x)
    y = layers.ActivityRegularization(l2=1.0)(y)
    model = keras.Model(x, heads(y), name="linear")
    model.compile(keras.optimizers.SGD(1.0), {"z": "mse", "a": "mse"}, **options)
    return model


def model_with_state():
    """Statistics, draws, metrics, and a loss that is no task's."""
    x = keras.Input((3,))
    y = layers.Dense(
        4,
        name="shared",
        kernel_initializer=seeded(5),
        kernel_regularizer=keras.regularizers.L2(0.1),
    )(x)
    y = layers.BatchNormalization(name="norm", momentum=0.5)(y)
    y = layers.Dropout(0.5, seed=3)(y)
    model = keras.Model(x, heads(y))
    model.compile(
        keras.optimizers.SGD(1.0),
        {"z": "mse", "a": "mae"},
        loss_weights={"z": 2.0, "a": 0.5},
        metrics={"a": ["mse"]},
    )
    return model


def arrays(variables):
    return {v.path: np.array(ops.convert_to_numpy(v)) for v in variables}


def state_of(model):
    return arrays([*model.variables, *model.metrics_variables, *model.optimizer.variables])


def total(gradients):
    first, *others = gradients.values()
    return {path: sum([each[path] for each in others], first[path]) for path in first}


def step_of(model, *batch):
    """What the trainer's own step of plain gradient descent subtracts."""
    before = arrays(model.trainable_variables)
    model.train_on_batch(*batch)
    return {path: before[path] - x for path, x in arrays(model.trainable_variables).items()}


def assert_close(found, expected, tolerance=1e-5):
    assert list(found) == list(expected)
    for path in expected:
        np.testing.assert_allclose(found[path], expected[path], tolerance, tolerance, err_msg=path)


def by_hand(model, x, y, task, weights):
    """Of a linear task, by NumPy; `weights` (rows,) are the samples' times the loss's."""
    value = arrays(model.trainable_variables)
    kernel, features = value[f"{task}/kernel"], x @ value["shared/kernel"]
    errors = features @ kernel + value[f"{task}/bias"] - y[task]
    slopes = 2 * weights[:, None] * errors / errors.size
    own = {
        "shared/kernel": x.T @ slopes @ kernel.T,
        f"{task}/kernel": features.T @ slopes,
        f"{task}/bias": slopes.sum(0),
    }
    return {path: own.get(path, np.zeros_like(value[path])) for path in value}


def test_gradients_of_linear_tasks(batch, rng):
    x, y = batch
    model = linear_model(loss_weights={"z": 0.5, "a": 3.0})
    ones = np.ones(ROWS)
    gradients = task_gradients(model, batch)
    assert list(gradients) == ["z", "a"]
    assert_close(gradients["z"], by_hand(model, x, y, "z", 0.5 * ones))
    assert_close(gradients["a"], by_hand(model, x, y, "a", 3.0 * ones))
    assert {x.dtype for of_task in gradients.values() for x in of_task.values()} == {
        np.dtype("float32")
    }
    # What is not the task's is zero, not nearly so.
    assert not gradients["z"]["a/kernel"].any() and not gradients["a"]["z/bias"].any()

    samples = {name: rng.uniform(0, 2, ROWS) for name in "za"}
    tensors = ops.convert_to_tensor(x), {name: ops.convert_to_tensor(y[name]) for name in y}
    gradients = task_gradients(model, (*tensors, samples))
    assert_close(gradients["z"], by_hand(model, x, y, "z", 0.5 * samples["z"]))
    assert_close(gradients["a"], by_hand(model, x, y, "a", 3.0 * samples["a"]))


def test_rows_as_tasks_are_those_of_sample_weights(batch):
    x, y = batch
    model = linear_model()
    ids = np.array([0, 2, 0, 2, 2, 0])
    gradients = task_gradients(model, batch, task_ids=ids, num_tasks=4)
    assert list(gradients) == [0, 1, 2, 3]
    for task, of_task in gradients.items():
        parts = [by_hand(model, x, y, name, (ids == task).astype(float)) for name in "za"]
        assert_close(of_task, {path: parts[0][path] + parts[1][path] for path in parts[0]})
    assert list(task_gradients(model, batch, task_ids=list(ids))) == [0, 1, 2]
    assert not any(x.any() for x in gradients[3].values())


def test_only_the_wanted_variables(batch):
    model = linear_model()
    everything = task_gradients(model, batch)
    kernel = model.get_layer("z").kernel
    gradients = task_gradients(model, batch, variables=[kernel, "shared/kernel"])
    for task, of_task in gradients.items():
        assert list(of_task) == ["z/kernel", "shared/kernel"]
        for path, gradient in of_task.items():
            np.testing.assert_allclose(gradient, everything[task][path], rtol=1e-6)


def test_they_sum_to_the_step_of_the_trainer_and_leave_no_trace(batch, tmp_path):
    """Also with a normalization and a dropout in training, before the model was ever fit."""
    model_with_state().save(tmp_path / "model.keras")
    model = keras.models.load_model(tmp_path / "model.keras")
    before = state_of(model)
    gradients = task_gradients(model, batch)
    # The trackers of the losses are made by the first loss.
    assert_close({path: state_of(model)[path] for path in before}, before, 0)
    twice = task_gradients(model, batch)
    for task in gradients:
        assert_close(twice[task], gradients[task], 0)  # the same draws

    expected = step_of(model, *batch)
    found = total(gradients)
    # Only the step has the regulariser's part.
    found["shared/kernel"] = found["shared/kernel"] + 0.2 * before["shared/kernel"]
    assert_close(found, expected)

    before = state_of(model)
    assert before["norm/moving_mean"].any() and before["loss/total"].any()
    later = task_gradients(model, batch)
    assert_close(state_of(model), before, 0)
    resting = task_gradients(model, batch, training=False)
    assert np.abs(later["z"]["shared/kernel"] - resting["z"]["shared/kernel"]).max() > 1e-3


def test_rows_as_tasks_of_an_embedding_sum_to_the_step(rng):
    """Triplets, which a normalization over the whole batch ties together."""

    def triplet_loss(_, embeddings):
        anchor, near, far = ops.unstack(embeddings, axis=1)
        near, far = (ops.sum(ops.square(anchor - x), -1) for x in (near, far))
        return ops.softplus(near - far)

    pictures = keras.Input((3, 5))
    x = layers.Dense(4, name="first", kernel_initializer=seeded(5))(pictures)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.Dense(4, name="last", kernel_initializer=seeded(6))(x)
    model = keras.Model(pictures, x)
    model.compile(keras.optimizers.SGD(1.0), triplet_loss)
    batch = rng.normal(size=(ROWS, 3, 5)).astype("float32"), np.zeros(ROWS, "float32")
    ids = np.array([0, 1, 2, 2, 1, 0], "uint8")
    gradients = task_gradients(model, batch, task_ids=ids)
    assert list(gradients) == [0, 1, 2]
    assert all(of_task["first/kernel"].any() for of_task in gradients.values())
    assert_close(total(gradients), step_of(model, *batch), 1e-4)


def test_a_task_has_all_of_its_outputs(batch):
    x, y = batch
    inputs = keras.Input((3,))
    features = layers.Dense(4, name="fc", kernel_initializer=seeded(5))(inputs)
    tower = keras_mtl.towers.Tower(keras.Model(inputs, features), ["fc"])
    features = keras.Input((4,))
    parts = {name: layers.Dense(2, name=name)(features) for name in ("z", "a")}
    multi = keras_mtl.MultiTaskModel(
        tower,
        keras_mtl.sharing.CrossStitched(),
        {"box": keras.Model(features, parts, name="parts"), "age": layers.Dense(2)},
    )
    plain = keras.Model(multi.input, multi.output)
    y = {"box_z": y["z"], "box_a": y["a"], "age": y["z"]}
    for model in (multi, plain):
        model.compile("sgd", dict.fromkeys(y, "mse"))
    found, outputs = task_gradients(multi, (x, y)), task_gradients(plain, (x, y))
    assert list(found) == ["box", "age"] and set(outputs) == set(y)
    boxes = {path: outputs["box_z"][path] + outputs["box_a"][path] for path in found["box"]}
    assert_close(found["box"], boxes)
    assert_close(found["age"], outputs["age"])
    assert any(outputs["box_a"][path].any() for path in boxes)


def test_frozen_layers_have_no_gradient(batch):
    model = linear_model()
    model.get_layer("shared").trainable = False
    gradients = task_gradients(model, batch)
    assert list(gradients["z"]) == ["a/kernel", "a/bias", "z/kernel", "z/bias"]
    with pytest.raises(ValueError, match=r"`variables` must be.*Received: \['shared/kernel'\]"):
        task_gradients(model, batch, variables=["z/bias", "shared/kernel"])


def test_an_output_without_a_loss_has_zeros(batch):
    x, y = batch
    model = linear_model()
    model.compile("sgd", {"z": "mse", "a": None})
    gradients = task_gradients(model, batch)
    assert gradients["z"]["shared/kernel"].any()
    assert not any(x.any() for x in gradients["a"].values())


def test_what_is_not_finite_stays_with_its_task(batch):
    x, y = batch
    y["z"][0] = np.nan
    gradients = task_gradients(linear_model(), batch, task_ids=[1, 0, 0, 0, 0, 0])
    assert np.isfinite(gradients[0]["shared/kernel"]).all()
    assert np.isnan(gradients[1]["shared/kernel"]).any()


def test_other_models_are_refused(batch):
    x = keras.Input((3,))
    model = keras.Model(x, layers.Dense(2)(x), name="embedder")
    with pytest.raises(ValueError, match="`model` must be compiled. Received: embedder"):
        task_gradients(model, batch)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="`task_ids` must be given.*embedder"):
        task_gradients(model, (batch[0], batch[1]["z"]))


@pytest.mark.parametrize(
    "ids",
    [[0, 1], [[0, 1, 0, 1, 0, 1]], [0, 1, 0, 1, 0, -1], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0], 0],
)
def test_other_ids_are_refused(batch, ids):
    with pytest.raises(ValueError, match=r"`task_ids` must be an integer from 0 for each of the"):
        task_gradients(linear_model(), batch, task_ids=np.array(ids))


def test_other_numbers_and_variables_are_refused(batch):
    model = linear_model()
    with pytest.raises(ValueError, match="`num_tasks` must be an integer >= 3"):
        task_gradients(model, batch, task_ids=[0, 0, 0, 1, 1, 2], num_tasks=2)
    for wrong in (["nothing"], [], [model.optimizer.iterations]):
        with pytest.raises(ValueError, match="`variables` must be of the model's trainable ones"):
            task_gradients(model, batch, variables=wrong)


def multi_task_model(**options):
    inputs = keras.Input((3,))
    x = layers.Dense(4, name="one", kernel_initializer=seeded(5))(inputs)
    x = layers.BatchNormalization(name="norm", center=False, scale=False)(x)
    tower = keras_mtl.towers.Tower(keras.Model(inputs, x), ["one"])
    of_heads = {
        name: layers.Dense(2, kernel_initializer=seeded(number)) for number, name in enumerate("za")
    }
    model = keras_mtl.MultiTaskModel(tower, keras_mtl.sharing.Branched.hard_sharing(), of_heads)
    compile_anew(model, **options)
    return model


def compile_anew(model, **options):
    options = {"loss": {"z": "mse", "a": "mse"}, **options}
    model.compile(keras_mtl.optimizers.SGD(0.5), **options)


def assert_as_of_a_fresh_one(model, batch, **options):
    """As of a model of the same weights that was never asked for gradients."""
    fresh = multi_task_model().initialize_from(model)
    for stage in model.stages:
        fresh.stage("z", stage).trainable = model.stage("z", stage).trainable
    norm_of(fresh).trainable = norm_of(model).trainable
    compile_anew(fresh, **options)
    fresh.leave_out(*model.left_out)
    found, expected = task_gradients(model, batch), task_gradients(fresh, batch)
    for task in found:
        assert_close(found[task], expected[task])
    return found


def norm_of(model):
    return model.stage("z", "norm").get_layer("shared_norm")


def differ(one, other):
    return any((one[task][path] != other[task][path]).any() for task in one for path in one[task])


def test_what_is_kept_is_of_the_model_as_it_is(batch, rng):
    """Steps, shapes, labels, weights of samples, and what is said in between."""
    x, y = batch
    model = multi_task_model()
    first = assert_as_of_a_fresh_one(model, batch)
    model.train_on_batch(x, y)
    assert differ(first, assert_as_of_a_fresh_one(model, batch))
    few = x[:4], {name: labels[:4] for name, labels in y.items()}
    assert_as_of_a_fresh_one(model, few)
    assert_as_of_a_fresh_one(model, (x, {"z": y["z"]}))
    assert_as_of_a_fresh_one(model, (x, y, {"z": rng.uniform(0, 2, ROWS).astype("float32")}))
    resting = task_gradients(model, batch, training=False)
    learning = assert_as_of_a_fresh_one(model, batch)
    assert differ(resting, learning)
    kernel = task_gradients(model, batch, variables=["z_head/kernel"])
    np.testing.assert_array_equal(kernel["z"]["z_head/kernel"], learning["z"]["z_head/kernel"])

    model.leave_out("z")
    assert not any(each.any() for each in assert_as_of_a_fresh_one(model, batch)["z"].values())
    model.leave_out()
    for options in (
        {"loss_weights": {"a": 3.0}},
        {"loss": {"z": "mae", "a": "mse"}},
        {"balancing": keras_mtl.balancing.MGDA()},
        {},
    ):
        compile_anew(model, **options)
        assert_as_of_a_fresh_one(model, batch, **({} if "balancing" in options else options))
    # Whose statistics a normalization takes changes with no variable.
    norm_of(model).trainable = False
    assert differ(learning, assert_as_of_a_fresh_one(model, batch))
    model.freeze("one")
    compile_anew(model)
    assert list(assert_as_of_a_fresh_one(model, batch)["z"]) == [
        v.path for v in model.trainable_variables
    ]
    model.unfreeze("one")
    compile_anew(model, run_eagerly=True)
    assert_as_of_a_fresh_one(model, batch)


def test_numbers_of_other_variables_are_read_anew(batch):
    weight = keras.Variable(1.0)
    model = linear_model()
    model.compile("sgd", {"z": lambda y, p: weight * keras.losses.mean_squared_error(y, p)})
    first = task_gradients(model, batch)
    weight.assign(3.0)
    later = task_gradients(model, batch)
    assert_close(later["z"], {path: 3 * x for path, x in first["z"].items()})


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_that_was_asked_is_copied_saved_and_freed(batch, tmp_path):
    model = multi_task_model()
    expected = task_gradients(model, batch)
    model.save(tmp_path / "model.keras")
    others = keras.models.load_model(tmp_path / "model.keras"), copy.deepcopy(model)
    for other in (*others, pickle.loads(pickle.dumps(model))):
        for task, of_task in task_gradients(other, batch).items():
            assert_close(of_task, expected[task])
    alive = weakref.ref(model)
    del model, others, other
    keras.backend.clear_session()
    gc.collect()
    assert alive() is None
