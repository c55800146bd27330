"""What the callbacks keep is what the model had at those steps, whatever the backend."""

import csv
import struct
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_mtl import MultiTaskModel
from keras_mtl.callbacks import AlphaLogger, AlphaTensorBoard, read_alphas
from keras_mtl.layers import CrossStitch
from keras_mtl.optimizers import SGD
from keras_mtl.sharing import Branched, CrossStitched
from keras_mtl.towers import Tower

TASKS = ["age", "kind"]
STEPS = 4  # of an epoch


def stitched(per_channel=True, sharing=None):
    image = keras.Input((5,))
    x = layers.Dense(3, name="one")(image)
    x = layers.Dense(2, name="two")(x)
    model = MultiTaskModel(
        Tower(keras.Model(image, x), ["one"]),
        sharing or CrossStitched(per_channel=per_channel),
        {task: layers.Dense(1) for task in TASKS},
    )
    return compiled(model)


def compiled(model, **options):
    model.compile(SGD(1e-4), loss={task: "mse" for task in TASKS}, **options)
    return model


@pytest.fixture
def fit(rng):
    x = rng.normal(size=(2 * STEPS, 5)).astype("float32")
    y = {task: rng.normal(size=(2 * STEPS, 1)).astype("float32") for task in TASKS}

    def run(model, callbacks, epochs=2, **options):
        model.fit(
            *(x, y),
            **dict(batch_size=2, epochs=epochs, verbose=0, shuffle=False, callbacks=callbacks),
            **options,
        )
        return model

    return run


def alphas(model):
    return {
        layer.name: ops.convert_to_numpy(layer.alpha)
        for layer in model.layers
        if isinstance(layer, CrossStitch)
    }


class Witness(keras.callbacks.Callback):
    """Keeps the alphas behind every batch by Keras' own public way."""

    def on_train_begin(self, logs=None):
        self.found = {0: alphas(self.model)}

    def on_train_batch_end(self, batch, logs=None):
        self.found[len(self.found)] = alphas(self.model)


class Stop(keras.callbacks.Callback):
    """Ends the process's training as a kill would: no callback hears of it."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def on_train_batch_end(self, batch, logs=None):
        if batch == self.batch:
            raise KeyboardInterrupt


def rows_of(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def test_every_step_is_written_as_the_model_had_it(fit, tmp_path):
    witness = Witness()
    logger = AlphaLogger(tmp_path / "new" / "a.csv", every=1, channels=True)
    fit(stitched(), [logger, witness])  # the logger first: it must bring JAX up to date itself
    tasks, histories = read_alphas(tmp_path / "new" / "a.csv")
    assert tasks == TASKS and set(histories) == {"stitch_one", "stitch_two"}
    for name, history in histories.items():
        assert list(history) == list(range(2 * STEPS + 1))
        for step, alpha in history.items():
            np.testing.assert_array_equal(alpha.astype("float32"), witness.found[step][name])
        moved = [np.abs(history[step + 1] - history[step]).max() for step in range(2 * STEPS)]
        assert min(moved) > 0


def test_rows_are_means_and_extremes(fit, tmp_path):
    model = fit(stitched(), [AlphaLogger(tmp_path / "a.csv")])
    rows = rows_of(tmp_path / "a.csv")
    assert [row["step"] for row in rows[::8]] == ["0", "4", "8"]
    assert [row["epoch"] for row in rows[::8]] == ["0", "1", "2"]
    assert len(rows) == 3 * 2 * 4
    last = {(row["layer"], row["task"], row["from_task"]): row for row in rows[-8:]}
    for name, alpha in alphas(model).items():
        for i, task in enumerate(TASKS):
            for j, other in enumerate(TASKS):
                row, values = last[name, task, other], alpha[i, j]
                found = [float(row[column]) for column in ("mean", "min", "max")]
                expected = [values.mean(), values.min(), values.max()]
                np.testing.assert_allclose(found, expected, rtol=1e-6)
    means = read_alphas(tmp_path / "a.csv")[1]["stitch_two"][8]
    np.testing.assert_allclose(means, alphas(model)["stitch_two"].mean(-1), rtol=1e-6)


@pytest.mark.parametrize("every, steps", [(3, [0, 3, 6, 8]), (4, [0, 4, 8]), (100, [0, 8])])
def test_steps_between_records(fit, tmp_path, every, steps):
    fit(stitched(per_channel=False), [AlphaLogger(tmp_path / "a.csv", every=every)])
    for history in read_alphas(tmp_path / "a.csv")[1].values():
        assert list(history) == steps


def test_several_steps_at_once(fit, tmp_path):
    if keras.backend.backend() == "torch":
        pytest.skip("Keras runs one step at a time on PyTorch")
    model = compiled(stitched(), steps_per_execution=2)
    fit(model, [AlphaLogger(tmp_path / "a.csv", every=3)])
    assert list(read_alphas(tmp_path / "a.csv")[1]["stitch_one"]) == [0, 4, 6, 8]


def test_a_resumed_run_writes_the_same_file(fit, tmp_path):
    whole, parted = tmp_path / "whole.csv", tmp_path / "parted.csv"
    first = stitched()
    start = first.get_weights()
    fit(first, [AlphaLogger(whole, every=2, channels=True)], epochs=3)

    model = stitched()
    model.set_weights(start)
    save = keras.callbacks.ModelCheckpoint(tmp_path / "model.keras")
    logger = AlphaLogger(parted, every=2, channels=True)
    fit(model, [save, logger], epochs=1)
    with pytest.raises(KeyboardInterrupt):
        fit(model, [logger, Stop(batch=2)], epochs=2, initial_epoch=1)
    assert parted.read_text().splitlines()[-1].startswith("6,2,stitch_two,kind,kind,")
    with parted.open("a") as file:
        file.write("7,2,stitch_o")  # and the kill came in the middle of a row
    assert list(read_alphas(parted)[1]["stitch_one"]) == [0, 2, 4, 6]

    model = keras.models.load_model(tmp_path / "model.keras")
    assert int(ops.convert_to_numpy(model.optimizer.iterations)) == STEPS
    logger = AlphaLogger(parted, every=2, channels=True)
    fit(model, [logger], epochs=3, initial_epoch=1)
    assert parted.read_text() == whole.read_text()
    assert not list(tmp_path.glob("*unfinished*"))

    fit(model, [logger], epochs=3, initial_epoch=3)  # nothing is left to train
    assert parted.read_text() == whole.read_text()
    fit(model, [logger], epochs=4, initial_epoch=3)  # the same model trains on
    epochs = {int(row["step"]): int(row["epoch"]) for row in rows_of(parted)}
    assert epochs == {step: -(-step // STEPS) for step in range(0, 4 * STEPS + 1, 2)}
    assert list(read_alphas(parted)[1]["stitch_one"]) == list(range(0, 4 * STEPS + 1, 2))


def test_a_new_run_starts_the_file_anew(fit, tmp_path):
    for _ in range(2):
        fit(stitched(), [AlphaLogger(tmp_path / "a.csv")], epochs=1)
    assert [row["step"] for row in rows_of(tmp_path / "a.csv")] == ["0"] * 8 + ["4"] * 8


def test_models_without_named_tasks(tmp_path, rng):
    inputs = [keras.Input((4,)) for _ in range(3)]
    inner = keras.Model(inputs, CrossStitch(name="unit")(inputs), name="inner")
    model = keras.Model(inputs, layers.Add()(inner(inputs)))
    model.compile("sgd", loss="mse")
    x = [rng.normal(size=(4, 4)).astype("float32") for _ in inputs]
    model.fit(x, x[0], epochs=1, verbose=0, callbacks=[AlphaLogger(tmp_path / "a.csv")])
    tasks, histories = read_alphas(tmp_path / "a.csv")
    assert tasks == ["0", "1", "2"] and list(histories) == ["inner/unit"]
    expected = ops.convert_to_numpy(inner.get_layer("unit").alpha).mean(-1)
    np.testing.assert_allclose(histories["inner/unit"][1], expected, rtol=1e-6)


def test_a_model_without_units_is_refused(fit, tmp_path):
    model = stitched(sharing=Branched.hard_sharing())
    for callback in (AlphaLogger(tmp_path / "a.csv"), AlphaTensorBoard(tmp_path / "logs")):
        with pytest.raises(ValueError, match="model must have CrossStitch units.*multi_task_model"):
            fit(model, [callback])


@pytest.mark.parametrize("every", [0, -1, 1.5, True, "batch"])
def test_other_rhythms_are_refused(every):
    with pytest.raises(ValueError, match="`every` must be 'epoch' or a number"):
        AlphaLogger("a.csv", every=every)


def test_other_files_are_refused(fit, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,score\nx,1\n")
    with pytest.raises(ValueError, match="`path` must be new.*step,epoch.*name,score"):
        fit(stitched(), [AlphaLogger(path)])
    assert path.read_text() == "name,score\nx,1\n"
    with pytest.raises(
        ValueError, match="`path` must be a whole file of `AlphaLogger`.*rows of step,.*name,score"
    ):
        read_alphas(path)


# TensorBoard


def events(folder):
    """All events of a folder's files, oldest file first: records of length, checksum and data."""
    from tensorboardX.proto.event_pb2 import Event

    for path in sorted(folder.glob("*tfevents*"), key=lambda path: path.stat().st_mtime_ns):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event()
            event.ParseFromString(data[12 : 12 + length])
            yield event
            data = data[12 + length + 4 :]


def summaries(folder, kind):
    return [
        (value.tag, event.step, getattr(value, kind))
        for event in events(folder)
        for value in event.summary.value
        if value.HasField(kind)
    ]


def test_tensorboard_shows_the_alphas(fit, tmp_path):
    pytest.importorskip("tensorboardX")
    witness = Witness()
    fit(stitched(), [AlphaTensorBoard(tmp_path, every=2), witness])
    scalars = summaries(tmp_path, "simple_value")
    assert len(scalars) == 5 * 2 * 4 and {step for _, step, _ in scalars} == {0, 2, 4, 6, 8}
    for tag, step, value in scalars:
        layer, pair = tag.split("/")
        i, j = (TASKS.index(task) for task in pair.split("_from_"))
        np.testing.assert_allclose(value, witness.found[step][layer][i, j].mean(), rtol=1e-6)
    histograms = summaries(tmp_path, "histo")
    assert {tag for tag, *_ in histograms} == {f"{tag}/channels" for tag, *_ in scalars}
    tag, step, histogram = histograms[-1]
    assert (tag, step) == ("stitch_two/kind_from_kind/channels", 8)
    np.testing.assert_allclose(histogram.max, witness.found[8]["stitch_two"][1, 1].max())
    assert histogram.num == 2


def test_diverged_alphas_are_written_before_they_end_the_training(fit, tmp_path):
    pytest.importorskip("tensorboardX")
    model = stitched()
    model.get_layer("stitch_two").alpha.assign(np.full((2, 2, 2), np.nan))
    with pytest.raises(FloatingPointError, match="alpha of 'stitch_two'.* after epoch 1"):
        fit(model, [AlphaTensorBoard(tmp_path)], epochs=2)
    values = {tag: value for tag, _, value in summaries(tmp_path, "simple_value")}
    assert np.isnan(values["stitch_two/age_from_kind"])


def test_tensorboard_purges_what_a_resumed_run_repeats(fit, tmp_path):
    pytest.importorskip("tensorboardX")
    model = stitched(per_channel=False)
    board = AlphaTensorBoard(tmp_path)
    fit(model, [board], epochs=1)
    fit(model, [board], epochs=2, initial_epoch=1)
    assert not summaries(tmp_path, "histo")  # one value is no distribution
    starts = [event.step for event in events(tmp_path) if event.HasField("session_log")]
    assert starts == [0, STEPS]


def test_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'keras-mtl\[tensorboard\]'"):
        AlphaTensorBoard(tmp_path)
