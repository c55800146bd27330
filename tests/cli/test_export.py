"""Networks as other programs read them."""

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl.cli import main
from keras_mtl.cli._exported import outputs_of
from keras_mtl.sharing import Branched, Modulated
from keras_mtl.towers import Tower

TORCH = keras.backend.backend() == "torch"


def network_of(sharing, tmp_path):
    # As few layers as a network can have: exporters take a second for a stage.
    layers = [
        keras.layers.Conv2D(2, 3, strides=4, activation="relu", name="conv"),
        keras.layers.GlobalAveragePooling2D(name="pool"),
    ]
    net = keras.Sequential([keras.Input((16, 16, 3), name="image"), *layers])
    tower = Tower(net, cuts=["conv"])
    heads = {task: keras.layers.Dense(3, name=task) for task in ("one", "another")}
    model = keras_mtl.MultiTaskModel(tower, sharing, tasks=heads)
    model.save(tmp_path / "network.keras")
    return str(tmp_path / "network.keras")


@pytest.fixture
def network(tmp_path):
    return network_of(Branched.hard_sharing(), tmp_path)


def test_what_is_written_says_the_same(network, tmp_path, capsys):
    output = tmp_path / "written" / ("network.pt2" if TORCH else "network")
    output.parent.mkdir()
    # Files of others, which have names like those that an exporter may give to its own.
    others = [output.parent / name for name in ("unfinished_network.csv", "network.csv")]
    for other in others:
        other.write_text(other.name)
    assert main(["export", network, str(output)]) == 0
    printed = capsys.readouterr().out
    assert "differs by at most" in printed or "gives the same outputs" in printed
    assert set(output.parent.iterdir()) == {output, *others}
    assert all(other.read_text() == other.name for other in others)
    assert main(["export", network, str(output)]) == 1  # It is there already.


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="needs jax2onnx")
def test_onnx_of_any_batch_with_outputs_by_task(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript" if TORCH else "tf2onnx")
    network, output = network_of(Modulated(), tmp_path), tmp_path / "network.onnx"
    assert main(["export", network, str(output)]) == 0
    session = onnxruntime.InferenceSession(output)
    assert [x.name for x in session.get_inputs()] == ["image"]
    assert {x.name for x in session.get_outputs()} == {"one", "another"}
    images = np.random.default_rng(0).uniform(size=(3, 16, 16, 3)).astype("float32")
    expected = keras.models.load_model(network, compile=False)(images, training=False)
    for task, values in expected.items():
        (found,) = session.run([task], {"image": images})
        np.testing.assert_allclose(found, keras.ops.convert_to_numpy(values), rtol=1e-4, atol=1e-5)


@pytest.mark.one_backend
def test_nothing_is_left_of_what_fails(network, tmp_path, monkeypatch, capsys):
    before = set(tmp_path.iterdir())

    def of_one_only(form, path, model, inputs):
        assert path.exists()
        if len(inputs) > 1:
            raise ValueError("a batch of one is built in")
        return outputs_of(form, path, model, inputs)

    monkeypatch.setattr("keras_mtl.cli.export.outputs_of", of_one_only)
    assert main(["export", network, str(tmp_path / "new" / "copy.keras")]) == 1
    assert "copy.keras on a batch of 3: a batch of one" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before


@pytest.mark.one_backend
def test_files_beside_the_one_that_was_asked_for(network, tmp_path, monkeypatch, capsys):
    def writes_two(model, path, form):
        path.write_text("network")
        path.with_suffix(".bin").write_text("weights")

    monkeypatch.setattr("keras_mtl.cli.export._write", writes_two)
    (tmp_path / "a.bin").write_text("another's")
    words = ["export", network, str(tmp_path / "a.keras"), "--no-check"]
    assert main(words) == 1
    assert "a.bin is there already" in capsys.readouterr().err
    assert (tmp_path / "a.bin").read_text() == "another's" and not (tmp_path / "a.keras").exists()
    (tmp_path / "a.bin").unlink()
    assert main(words) == 0
    assert (tmp_path / "a.bin").read_text() == "weights" and (tmp_path / "a.keras").exists()


def test_what_the_backend_cannot_write(network, tmp_path, capsys):
    output = tmp_path / ("saved_model" if TORCH else "network.pt2")
    assert main(["export", network, str(output)]) == 1
    assert "KERAS_BACKEND=" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.one_backend
def test_words_that_contradict_each_other(network, tmp_path, capsys):
    assert main(["export", network, str(tmp_path / "a.onnx"), "--format", "torch"]) == 2
    assert main(["export", network, str(tmp_path / "a.doc")]) == 2


@pytest.mark.one_backend
def test_other_models_and_broken_files(tmp_path, capsys):
    plain = keras.Sequential([keras.Input((2,)), keras.layers.ReLU()])
    plain.save(tmp_path / "plain.keras")
    assert main(["export", str(tmp_path / "plain.keras"), str(tmp_path / "copy.keras")]) == 0
    (tmp_path / "broken.keras").write_bytes((tmp_path / "copy.keras").read_bytes()[:100])
    assert main(["export", str(tmp_path / "broken.keras"), str(tmp_path / "b.keras")]) == 1
    assert "broken.keras must be a Keras model of keras_mtl: it is no" in capsys.readouterr().err
