"""The file keeps the policy that the model had at those steps, also over a stop."""

import csv

import keras
import numpy as np
import pytest
from keras import layers, ops
from policy_models import BLOCKS, STEPS, TASKS, fit, make_model, policy_of

from keras_mtl.callbacks import AdaShareSchedule, PolicyLogger, read_policies


class Stop(keras.callbacks.Callback):
    """Ends the process's training as a kill would: no callback hears of it."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            raise KeyboardInterrupt


def rows_of(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def probabilities(logits):
    """To execute; of logits (T, L, 2), by NumPy."""
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    return odds[..., 0] / odds.sum(-1)


def test_rows_are_the_policy_of_the_model(rng, tmp_path):
    model = make_model(rng)
    before = ops.convert_to_numpy(policy_of(model).logits)
    fit(model, [PolicyLogger(tmp_path / "new" / "p.csv")], epochs=2)
    after = ops.convert_to_numpy(policy_of(model).logits)
    rows = rows_of(tmp_path / "new" / "p.csv")
    assert [row["step"] for row in rows] == ["0"] * 6 + ["4"] * 6 + ["8"] * 6
    assert [row["epoch"] for row in rows] == ["0"] * 6 + ["1"] * 6 + ["2"] * 6
    pairs = [(task, block) for task in TASKS for block in BLOCKS]
    assert [(row["task"], row["block"]) for row in rows] == pairs * 3
    for part, logits in ((rows[:6], before), (rows[-6:], after)):
        for column, values in (
            ("probability", probabilities(logits)),
            ("execute_logit", logits[..., 0]),
            ("skip_logit", logits[..., 1]),
        ):
            found = [float(row[column]) for row in part]
            np.testing.assert_allclose(found, values.ravel(), rtol=1e-6)

    tasks, blocks, history = read_policies(tmp_path / "new" / "p.csv")
    assert (tasks, blocks, list(history)) == (TASKS, BLOCKS, [0, 4, 8])
    np.testing.assert_allclose(history[8], probabilities(after), rtol=1e-6)
    assert np.abs(history[8] - history[4]).min() > 0


def test_blocks_that_are_not_under_the_policy_are_executed(rng, tmp_path):
    model = make_model(rng)
    schedule = AdaShareSchedule(1)
    fit(model, [schedule, PolicyLogger(tmp_path / "p.csv", every=3)], epochs=3)
    history = read_policies(tmp_path / "p.csv")[2]
    ones = {step: (policy == 1).all(axis=0).sum() for step, policy in history.items()}
    # Before training and, by the schedule, in the first, second and third epoch of four steps.
    assert ones == {0: 0, 3: 3, 6: 2, 9: 1, 12: 1}


@pytest.mark.parametrize("logger_first", [True, False])
def test_a_resumed_run_writes_the_same_file(rng, tmp_path, logger_first):
    whole, parted = tmp_path / "whole.csv", tmp_path / "parted.csv"

    def callbacks(path):
        both = [PolicyLogger(path, every=2), AdaShareSchedule(1)]
        return both if logger_first else both[::-1]

    model = make_model(rng)
    start = model.get_weights()
    fit(model, callbacks(whole), epochs=3)
    expected = whole.read_text()

    model.set_weights(start)
    model.optimizer.iterations.assign(0)
    fit(model, callbacks(parted), epochs=2)
    model.save(tmp_path / "model.keras")
    with pytest.raises(KeyboardInterrupt):
        fit(model, [*callbacks(parted), Stop()], epochs=3, initial_epoch=2)
    with parted.open("a") as file:
        file.write("11,3,ki")  # and the kill came in the middle of a row
    assert list(read_policies(parted)[2]) == [0, 2, 4, 6, 8, 10]

    model = keras.models.load_model(tmp_path / "model.keras")
    assert int(ops.convert_to_numpy(model.optimizer.iterations)) == 2 * STEPS
    fit(model, callbacks(parted), epochs=3, initial_epoch=2)
    assert parted.read_text() == expected
    assert not list(tmp_path.glob("*unfinished*"))


def test_a_step_that_was_cut_short_is_not_read(rng, tmp_path):
    path = tmp_path / "p.csv"
    fit(make_model(rng), [PolicyLogger(path)], epochs=1)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-2]))
    assert list(read_policies(path)[2]) == [0]


def test_a_model_without_a_policy_is_refused(tmp_path):
    x = keras.Input((3,))
    model = keras.Model(x, {"age": layers.Dense(1, name="age")(x)}, name="plain")
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="must have one SkipPolicy.*'plain'"):
        fit(model, [PolicyLogger(tmp_path / "p.csv")], epochs=1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("every", [0, 1.5, True, "batch"])
def test_other_rhythms_are_refused(every):
    with pytest.raises(ValueError, match="`every` must be 'epoch' or a number"):
        PolicyLogger("p.csv", every=every)


def test_other_files_are_refused(rng, tmp_path):
    path = tmp_path / "p.csv"
    path.write_text("name,score\nx,1\n")
    with pytest.raises(ValueError, match="`path` must be new.*step,epoch,task.*name,score"):
        fit(make_model(rng), [PolicyLogger(path)], epochs=1)
    with pytest.raises(
        ValueError, match="`path` must be a whole file of `PolicyLogger`.*rows of step,.*name,score"
    ):
        read_policies(path)
    assert path.read_text() == "name,score\nx,1\n"
