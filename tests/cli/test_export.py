"""Networks as other programs read them."""

import keras
import pytest

from keras_mtl.applications import CrossStitchFCN
from keras_mtl.cli import main

TORCH = keras.backend.backend() == "torch"


@pytest.fixture
def network(tmp_path):
    network = {"width": 0.03, "stem_strides": 2, "padding": "same", "rescale": 1 / 64}
    model = CrossStitchFCN({"parts": 5, "depth": "depth"}, (32, 32, 3), **network)
    model.save(tmp_path / "network.keras")
    return str(tmp_path / "network.keras")


def test_what_is_written_says_the_same(network, tmp_path, capsys):
    output = tmp_path / "written" / ("network.pt2" if TORCH else "network")
    assert main(["export", network, str(output)]) == 0
    assert "differs by at most" in capsys.readouterr().out
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
