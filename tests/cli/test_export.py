"""Networks as other programs read them."""

import keras
import pytest

import keras_mtl
from keras_mtl.cli import main
from keras_mtl.sharing import Branched
from keras_mtl.towers import Tower

TORCH = keras.backend.backend() == "torch"


@pytest.fixture
def network(tmp_path):
    # As few layers as a network can have: exporters take a second for a stage.
    layers = [
        keras.layers.Conv2D(2, 3, strides=4, activation="relu", name="conv"),
        keras.layers.GlobalAveragePooling2D(name="pool"),
    ]
    net = keras.Sequential([keras.Input((16, 16, 3), name="image"), *layers])
    tower = Tower(net, cuts=["conv"])
    heads = {task: keras.layers.Dense(3, name=task) for task in ("one", "other")}
    model = keras_mtl.MultiTaskModel(tower, Branched.hard_sharing(), heads=heads)
    model.save(tmp_path / "network.keras")
    return str(tmp_path / "network.keras")


def test_what_is_written_says_the_same(network, tmp_path, capsys):
    output = tmp_path / "written" / ("network.pt2" if TORCH else "network")
    assert main(["export", network, str(output)]) == 0
    printed = capsys.readouterr().out
    assert "differs by at most" in printed or "gives the same outputs" in printed
    assert [path.name for path in output.parent.iterdir()] == [output.name]
    assert main(["export", network, str(output)]) == 1  # It is there already.


def test_what_the_backend_cannot_write(network, tmp_path, capsys):
    output = tmp_path / ("saved_model" if TORCH else "network.pt2")
    assert main(["export", network, str(output)]) == 1
    assert "KERAS_BACKEND=" in capsys.readouterr().err
    assert not output.exists()


@pytest.mark.one_backend
def test_words_that_contradict_each_other(network, tmp_path, capsys):
    assert main(["export", network, str(tmp_path / "a.onnx"), "--format", "torch"]) == 2
    assert main(["export", network, str(tmp_path / "a.doc")]) == 2
