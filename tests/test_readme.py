"""What the README shows, runs."""

import re
from pathlib import Path

import numpy as np

README = Path(__file__).resolve().parent.parent / "README.md"


def test_example_on_a_users_own_model(rng):
    example = re.search(r"```python\n(import keras.*?)```", README.read_text(), re.DOTALL).group(1)
    assert len(example.splitlines()) <= 18
    data = {
        "images": rng.random((2, 64, 64, 3)).astype("float32"),
        "ages": rng.random((2, 1)).astype("float32"),
        "species": np.array([1, 4]),
    }
    names = dict(data)
    exec(example.replace("epochs=10", "epochs=1, verbose=0"), names)
    outputs = names["model"].predict(data["images"], verbose=0)
    assert {task: output.shape for task, output in outputs.items()} == {
        "age": (2, 1),
        "species": (2, 5),
    }
