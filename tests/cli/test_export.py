"""Networks as other programs read them."""

import sys

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl.cli import main
from keras_mtl.cli._exported import outputs_of
from keras_mtl.cli.export import _largest_difference
from keras_mtl.sharing import Branched, Modulated
from keras_mtl.towers import Tower

BACKEND = keras.backend.backend()


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


def plain(tmp_path):
    """A network of one output and of pictures of any size, as Keras makes it."""
    image = keras.Input((None, None, 3), name="image")
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(image)
    keras.Model(image, keras.layers.Dense(3, name="dense")(pooled)).save(tmp_path / "plain.keras")
    return str(tmp_path / "plain.keras")


@pytest.mark.parametrize("made", [lambda path: network_of(Branched.hard_sharing(), path), plain])
@pytest.mark.parametrize(
    "name", {"torch": ["a.pt2"], "jax": ["a"], "tensorflow": ["a", "a.tflite"]}[BACKEND]
)
def test_what_is_written_says_the_same(name, made, tmp_path, capsys):
    network, output = made(tmp_path), tmp_path / "written" / name
    output.parent.mkdir()
    # Files of others, which have names like those that an exporter may give to its own.
    others = [output.parent / name for name in ("unfinished_a.csv", "a.csv")]
    for other in others:
        other.write_text(other.name)
    assert main(["export", network, str(output)]) == 0
    printed = capsys.readouterr().out
    assert "differs by at most" in printed or "gives the same outputs" in printed
    assert set(output.parent.iterdir()) == {output, *others}
    assert all(other.read_text() == other.name for other in others)
    assert main(["export", network, str(output)]) == 1  # It is there already.


@pytest.mark.skipif(BACKEND == "jax", reason="needs jax2onnx")
@pytest.mark.parametrize("made", [lambda path: network_of(Modulated(), path), plain])
def test_onnx_of_any_batch_with_outputs_by_task(made, tmp_path, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript" if BACKEND == "torch" else "tf2onnx")
    network, output = made(tmp_path), tmp_path / "network.onnx"
    assert main(["export", network, str(output)]) == 0
    assert "run by onnxruntime: " in capsys.readouterr().out
    session = onnxruntime.InferenceSession(output)
    assert [x.name for x in session.get_inputs()] == ["image"]
    images = np.random.default_rng(0).uniform(size=(3, 16, 16, 3)).astype("float32")
    expected = keras.models.load_model(network, compile=False)(images, training=False)
    if isinstance(expected, dict):
        assert {x.name for x in session.get_outputs()} == {"one", "another"}
    else:
        expected = {session.get_outputs()[0].name: expected}
    for task, values in expected.items():
        (found,) = session.run([task], {"image": images})
        np.testing.assert_allclose(found, keras.ops.convert_to_numpy(values), rtol=1e-4, atol=1e-5)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", ["embedding", "detection"])
def test_inputs_that_are_no_pictures(name, files, tmp_path, capsys):
    assert main(["export", str(files / f"{name}.keras"), str(tmp_path / "a.keras")]) == 0
    assert "run by Keras: gives the same outputs" in capsys.readouterr().out
    assert set(tmp_path.iterdir()) == {tmp_path / "a.keras"}


@pytest.mark.one_backend
def test_what_cannot_be_run_here_is_kept(network, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["export", network, str(tmp_path / "a.onnx"), "--format", "onnx"]) == 0
    assert "\nnot run: onnxruntime is not installed\n" in capsys.readouterr().out
    assert (tmp_path / "a.onnx").is_file()


@pytest.mark.one_backend
def test_what_says_something_else_is_not_kept(network, tmp_path, monkeypatch, capsys):
    def of_others(form, path, model, inputs):
        return {task: x + 1 for task, x in outputs_of(form, path, model, inputs).items()}

    monkeypatch.setattr("keras_mtl.cli.export.outputs_of", of_others)
    before = set(tmp_path.iterdir())
    assert main(["export", network, str(tmp_path / "copy.keras")]) == 1
    assert "copy.keras gives other outputs than the network on a batch" in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before


@pytest.mark.one_backend
def test_outputs_are_matched_by_name_or_order(rng):
    """Exporters keep names, sort them, or keep the order alone."""
    expected = {name: rng.normal(size=(2, 3)) for name in ("b", "a", "c")}
    ordered, by_name = list(expected.values()), [expected[name] for name in "abc"]
    for found in (expected, dict(zip("xyz", ordered, strict=True)), ordered, by_name):
        assert _largest_difference(expected, found) == 0
    assert _largest_difference(expected, [*ordered[:2], ordered[2] + 1]) > 0.1
    assert _largest_difference(expected, [x[:1] for x in ordered]) == float("inf")
    assert _largest_difference(ordered[0], [ordered[0] * 0]) == 1


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
    output = tmp_path / ("saved_model" if BACKEND == "torch" else "network.pt2")
    assert main(["export", network, str(output)]) == 1
    assert "KERAS_BACKEND=" in capsys.readouterr().err
    assert not output.exists()
