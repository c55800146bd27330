"""What the README shows, runs."""

import re
from pathlib import Path

import numpy as np
import pytest
from small_studies import examples, network

README = Path(__file__).resolve().parent.parent / "README.md"


@pytest.mark.one_backend  # The tests of the zoo and of sharing train on every backend.
def test_the_examples_run(rng):
    _, own, zoo = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert len(own.splitlines()) <= 18
    names = {
        "images": rng.random((2, 64, 64, 3)).astype("float32"),
        "ages": rng.random((2, 1)).astype("float32"),
        "species": np.array([1, 4]),
    }
    exec(own.replace("epochs=10", "epochs=1, verbose=0"), names)
    outputs = names["model"].predict(names["images"], verbose=0)
    assert {task: output.shape for task, output in outputs.items()} == {
        "age": (2, 1),
        "species": (2, 5),
    }
    exec(zoo, names)
    assert names["model"].tasks == ["segmentation", "normals"]


@pytest.mark.one_backend  # The tests of studies train on every backend.
def test_the_comparison_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    assert len(code.splitlines()) <= 14
    # MobileNetV2 takes a minute; `slow` tests train it on every backend.
    code = re.sub(r"backbone = .*?\n\)\n", "backbone = network()\n", code, flags=re.DOTALL)
    code = code.replace("steps=500, seeds=3", "steps=4, seeds=1")
    x, y = examples(12)
    data = dict.fromkeys(("train", "validation", "test"), (x, y))
    names = {**data, "network": network}
    exec(code, names)
    assert names["found"].best() is None and len(names["found"].scores) >= 6
    assert names["model"].tasks == ["age", "species"]
    assert "cross-stitch" in capsys.readouterr().out
