"""The file tells how far the tasks agreed at those steps, and training does not notice."""

import csv

import keras
import numpy as np
import pytest
from keras import layers, ops
from numpy_weights import draw_by_numpy

from keras_mtl.callbacks import ComplianceLogger, read_compliance
from keras_mtl.gradients import (
    cosine_similarity,
    gradient_norms,
    inner_products,
    task_gradients,
    update_compliance,
)

TASKS = ["age", "kind"]
STEPS = 2  # of an epoch
HEADER = "step,epoch,layer,task,other,compliance,cosine,norm\n"


@pytest.fixture(autouse=True)
def _drawn_by_numpy(monkeypatch):
    draw_by_numpy(monkeypatch)


@pytest.fixture
def make_model():
    """A model with a state of every kind: statistics, draws, metrics, momentum."""

    def make():
        def dense(units, name, seed):
            start = keras.initializers.GlorotUniform(seed=seed)
            return layers.Dense(units, name=name, kernel_initializer=start)

        x = keras.Input((3,))
        y = layers.BatchNormalization(name="norm")(dense(4, "shared", 1)(x))
        y = layers.Dropout(0.5, seed=1, name="dropout")(y)
        model = keras.Model(x, {task: dense(1, task, i)(y) for i, task in enumerate(TASKS)})
        model.compile(
            keras.optimizers.SGD(0.1, momentum=0.9),
            dict.fromkeys(TASKS, "mse"),
            {"age": 2.0, "kind": 1.0},
        )
        return model

    return make


@pytest.fixture
def batches(rng):
    return [
        (rng.normal(size=(4, 3)), {task: rng.normal(size=(4, 1)) for task in TASKS})
        for _ in range(3)
    ]


def fit(model, batches, callbacks, epochs, **options):
    x = np.concatenate([x for x, _ in batches[:STEPS]])
    y = {task: np.concatenate([y[task] for _, y in batches[:STEPS]]) for task in TASKS}
    options = {"batch_size": 4, "verbose": 0, "shuffle": False, **options}
    return model.fit(x, y, epochs=epochs, callbacks=callbacks, **options).history


def weights_of(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(ops.convert_to_numpy(variable)) for variable in variables]


def test_rows_are_the_gradients_of_the_model_and_training_is_untouched(
    make_model, batches, tmp_path
):
    alone, watched = make_model(), make_model()
    path = tmp_path / "new" / "c.csv"
    products = {0: [inner_products(task_gradients(watched, batch)) for batch in batches]}
    history = fit(alone, batches, [], epochs=2)
    logger = ComplianceLogger(path, batches, every=1)
    assert fit(watched, batches, [logger], epochs=2) == history
    for found, expected in zip(weights_of(watched), weights_of(alone), strict=True):
        np.testing.assert_array_equal(found, expected)

    products[4] = [inner_products(task_gradients(watched, batch)) for batch in batches]
    for column, expected in (
        ("compliance", {step: update_compliance(of_step) for step, of_step in products.items()}),
        ("cosine", {step: mean_of(cosine_similarity, products[step]) for step in products}),
        ("norm", {step: mean_of(gradient_norms, products[step]) for step in products}),
    ):
        tasks, history = read_compliance(path, column)
        assert tasks == TASKS and list(history) == [0, 1, 2, 3, 4]
        for step, of_step in expected.items():
            assert list(history[step]) == ["shared", "norm", *TASKS]
            for layer, values in of_step.items():
                np.testing.assert_allclose(history[step][layer], values, rtol=1e-4, atol=1e-6)
    assert np.isnan(read_compliance(path)[1][0]["age"][0, 1])  # a head is one task's only
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows[::16]] == ["0", "1", "1", "2", "2"]
    pairs = [(task, other) for task in TASKS for other in TASKS]
    assert [(row["task"], row["other"]) for row in rows[:4]] == pairs


def mean_of(function, batches):
    values = [function(batch) for batch in batches]
    return {layer: np.mean([each[layer] for each in values], axis=0) for layer in values[0]}


def test_a_resumed_run_writes_the_same_file(make_model, batches, tmp_path):
    whole, parted = tmp_path / "whole.csv", tmp_path / "parted.csv"

    def callbacks(path):
        return [ComplianceLogger(path, batches[:1], variables=["shared/kernel"])]

    model = make_model()
    model.get_layer("dropout").rate = 0.0  # A file does not hold the state of the draws.
    model.save(tmp_path / "model.keras")
    fit(model, batches, callbacks(whole), epochs=2)
    model = keras.models.load_model(tmp_path / "model.keras")
    fit(model, batches, callbacks(parted), epochs=1)
    with parted.open("a") as file:
        file.write("2,1,shared,age,age,1,1,1\n4,2,shared,age,age,0,0,0\n5,2,sha")  # of a kill
    fit(model, batches, callbacks(parted), epochs=2, initial_epoch=1)
    found, expected = (read_compliance(path, "cosine")[1] for path in (parted, whole))
    assert list(found) == list(expected) == [0, 2, 4]
    for step in expected:
        np.testing.assert_allclose(found[step]["shared"], expected[step]["shared"], rtol=1e-5)


def test_rows_as_tasks(make_model, batches, tmp_path):
    """The second batch lacks the last task."""
    model, path = make_model(), tmp_path / "c.csv"

    def task_ids(x, y):
        return [0, 1, 2, 2] if x is batches[0][0] else [0, 1, 1, 0]

    logger = ComplianceLogger(path, batches[:2], task_ids=task_ids, variables=["norm/beta"])
    fit(model, batches, [logger], epochs=1)
    tasks, history = read_compliance(path)
    assert tasks == ["0", "1", "2"]
    assert np.isfinite(history[0]["norm"]).all()
    assert set(history[0]["norm"][2]) <= {0, 1}  # of one batch
    norms = [read_compliance(path, "norm")[1][step]["norm"] for step in (0, STEPS)]
    assert np.min(norms) > 0

    logger = ComplianceLogger(path, batches[:2], task_ids=[0, 1, 1, 0])
    assert {row[1] for row in logger.read(model)} == {0, 1}


@pytest.mark.one_backend
def test_a_step_that_was_cut_short_is_not_read(tmp_path):
    path = tmp_path / "c.csv"
    pairs = [f"{layer},{a},{b}" for layer in "xy" for a in "pq" for b in "pq"]
    rows = [f"{step},0,{pair},1,nan,2.5\n" for step in (0, 7) for pair in pairs]
    for cut in range(1, 8):  # The fourth is where a layer ends.
        path.write_text("".join([HEADER, *rows[:-cut]]))
        tasks, history = read_compliance(path, "norm")
        assert (tasks, list(history), list(history[0])) == (["p", "q"], [0], ["x", "y"])
    np.testing.assert_array_equal(history[0]["y"], [2.5, 2.5])
    assert np.isnan(read_compliance(path, "cosine")[1][0]["x"]).all()


@pytest.mark.one_backend
@pytest.mark.parametrize("layers", [("x", "xy"), ("xy", "y"), ("xy", "zxy"), ("y", "x", "y")])
def test_steps_may_have_other_layers(tmp_path, layers):
    path = tmp_path / "c.csv"
    rows = [
        f"{step},0,{layer},{a},{b},{step},nan,1\n"
        for step, of_step in enumerate(layers)
        for layer in of_step
        for a in "pq"
        for b in "pq"
    ]
    path.write_text("".join([HEADER, *rows]))
    _, history = read_compliance(path)
    assert {step: tuple(x) for step, x in history.items()} == dict(enumerate(map(tuple, layers)))
    for step, of_step in history.items():
        for values in of_step.values():
            np.testing.assert_array_equal(values, np.full((2, 2), step))
    path.write_text("".join([HEADER, *rows[:-1]]))
    assert list(read_compliance(path)[1]) == list(range(len(layers) - 1))


def test_what_does_not_fit_is_refused(make_model, batches, tmp_path):
    path = tmp_path / "c.csv"
    with pytest.raises(ValueError, match="`batches` must hold at least one batch"):
        ComplianceLogger(path, [])
    with pytest.raises(ValueError, match="`every` must be 'epoch' or a number"):
        ComplianceLogger(path, batches, every=0)
    with pytest.raises(ValueError, match="`variables` must be of the model's trainable ones"):
        fit(make_model(), batches, [ComplianceLogger(path, batches, variables=["x"])], epochs=1)
    assert not path.exists()
    path.write_text("name,score\nx,1\n")
    with pytest.raises(
        ValueError,
        match="`path` must be a whole file of `ComplianceLogger`.*rows of step,.*name,score",
    ):
        read_compliance(path)
    with pytest.raises(ValueError, match="`column` must be .*Received: column='epoch'"):
        read_compliance(path, "epoch")
