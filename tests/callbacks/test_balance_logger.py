"""The file tells what weights the tasks had, and how far they pulled apart, at those steps."""

import csv

import keras
import numpy as np
import pytest
from keras import ops
from small_balanced import TASKS, Given, batch, model_of

import keras_mtl
from keras_mtl.balancing import FAMO, FixedWeights
from keras_mtl.callbacks import BalanceLogger, read_balance
from keras_mtl.sharing import Branched

STEPS = 3  # of an epoch
PAIRS = [(0, 1), (0, 2), (1, 2)]


class Growing(Given):
    """Each step has weights of its own."""

    def weigh(self, seen):
        return super().weigh(seen) * (1 + ops.cast(self.steps, "float32"))


def fit(model, data, callbacks, epochs=2, **options):
    options = {"batch_size": 4, "verbose": 0, "shuffle": False, **options}
    return model.fit(*data, epochs=epochs, callbacks=callbacks, **options).history


def test_means_over_an_epoch_are_those_in_the_logs(rng, tmp_path):
    """One task has no label in the second of three batches."""
    model, path = model_of(Branched.hard_sharing()), tmp_path / "new" / "b.csv"
    x, y = batch(rng)
    y["age"][4:8] = np.nan
    method = Growing([0.5, 2.0, 1.5], at="features", conflicts=True)
    model.compile(keras_mtl.optimizers.SGD(0.1), balancing=method)
    logs = fit(model, (x, y), [BalanceLogger(path, every=1)])

    tasks, weights, cosines = read_balance(path)
    assert tasks == list(TASKS) and list(weights) == list(cosines) == list(range(7))
    np.testing.assert_array_equal(weights[0], np.ones(3))
    assert np.isnan(cosines[0]).all()  # before the first step
    for step in range(1, 7):
        young, kind, age = step * np.array([0.5, 2.0, 1.5])
        # Without a say it has what it had.
        expected = [young, kind, age - 1.5 if step in (2, 5) else age]
        np.testing.assert_allclose(weights[step], expected, rtol=1e-6)
        np.testing.assert_array_equal(np.isnan(cosines[step][2]), step in (2, 5))
        np.testing.assert_array_equal(np.diag(cosines[step])[:2], [1, 1])
    for epoch in (0, 1):
        steps = range(1 + STEPS * epoch, 1 + STEPS * (epoch + 1))
        for i, j in PAIRS:
            mean = np.nanmean([cosines[step][i, j] for step in steps])
            found = logs[f"{TASKS[i]}_{TASKS[j]}_cosine"][epoch]
            np.testing.assert_allclose(found, mean, rtol=1e-5, atol=1e-6)
        mean = np.mean([weights[step] for step in steps], axis=0)
        np.testing.assert_allclose([logs[f"{x}_weight"][epoch] for x in TASKS[:2]], mean[:2], 1e-6)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows[::9]] == ["0", "1", "1", "1", "2", "2", "2"]
    names = [(task, other) for task in TASKS for other in TASKS]
    assert [(row["task"], row["other"]) for row in rows[:9]] == names


def test_a_resumed_run_writes_the_same_file(rng, tmp_path):
    whole, parted = tmp_path / "whole.csv", tmp_path / "parted.csv"
    data = batch(rng)
    model = model_of(Branched.hard_sharing())
    model.compile(keras_mtl.optimizers.SGD(0.1), balancing=FAMO())
    model.save(tmp_path / "model.keras")
    fit(model, data, [BalanceLogger(whole)])
    model = keras.models.load_model(tmp_path / "model.keras")
    fit(model, data, [BalanceLogger(parted)], epochs=1)
    model.save(tmp_path / "model.keras")
    with parted.open("a") as file:
        file.write("4,2,young,young,0,nan\n5,2,yo")  # of a kill
    assert list(read_balance(parted)[1]) == [0, 3]
    model = keras.models.load_model(tmp_path / "model.keras")
    fit(model, data, [BalanceLogger(parted)], initial_epoch=1)
    assert parted.read_text() == whole.read_text()

    _, weights, cosines = read_balance(whole)
    assert list(weights) == [0, 3, 6] and np.isnan(cosines[6]).all()  # It looks at losses alone.
    in_effect = ops.convert_to_numpy(model.balancing.in_effect)
    np.testing.assert_array_equal(weights[6].astype("float32"), in_effect)
    assert np.abs(weights[6] - weights[3]).min() > 0


@pytest.mark.one_backend
def test_any_model_that_is_balanced(tmp_path):
    x = keras.Input((2,))
    h = keras.layers.Dense(2)(x)
    made = keras.Model(x, {name: keras.layers.Dense(1, name=name)(h) for name in "ba"})
    model = keras_mtl.balanced(made)
    model.compile("sgd", dict.fromkeys("ba", "mse"), balancing=FixedWeights({"a": 2}))
    y = np.ones((4, 1))
    fit(model, (np.ones((4, 2)), {"a": y, "b": y}), [BalanceLogger(tmp_path / "b.csv")], epochs=1)
    tasks, weights, _ = read_balance(tmp_path / "b.csv")
    assert tasks == ["b", "a"] and weights[1].tolist() == [1, 2]


@pytest.mark.one_backend
def test_a_step_that_was_cut_short_is_not_read(tmp_path):
    path = tmp_path / "b.csv"
    rows = [f"{step},0,{a},{b},{ord(a)},nan\n" for step in (0, 7) for a in "pq" for b in "pq"]
    for cut in range(1, 4):
        path.write_text("".join(["step,epoch,task,other,weight,cosine\n", *rows[:-cut]]))
        tasks, weights, _ = read_balance(path)
        assert tasks == ["p", "q"] and {step: x.tolist() for step, x in weights.items()} == {
            0: [112, 113]
        }


@pytest.mark.one_backend
def test_what_does_not_fit_is_refused(rng, tmp_path):
    path, model = tmp_path / "b.csv", model_of(Branched.hard_sharing(), name="plain")
    with pytest.raises(ValueError, match="`every` must be 'epoch' or a number"):
        BalanceLogger(path, every=0)
    model.compile("sgd")
    with pytest.raises(ValueError, match="must be compiled with `balancing`.*Received: 'plain'"):
        fit(model, batch(rng), [BalanceLogger(path)])
    assert not path.exists()
    path.write_text("name,score\nx,1\n")
    with pytest.raises(
        ValueError,
        match="`path` must be a whole file of `BalanceLogger`.*rows of step,.*name,score",
    ):
        read_balance(path)
