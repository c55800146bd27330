"""What the README shows, runs."""

import re
from pathlib import Path

import numpy as np
import pytest

README = Path(__file__).resolve().parent.parent / "README.md"


@pytest.mark.one_backend  # The tests of the zoo and of sharing train on every backend.
def test_the_examples_run(rng):
    own, zoo = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
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
