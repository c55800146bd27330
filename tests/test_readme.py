"""What the README shows, runs."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_mtl

README = Path(__file__).resolve().parent.parent / "README.md"


# What is in these two trains on every backend in the tests of the zoo and of sharing.
@pytest.mark.one_backend
def test_examples_on_a_users_own_model(rng, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(import .*?)```", README.read_text(), re.DOTALL)
    example, search = (each.replace("epochs=10", "epochs=1, verbose=0") for each in examples)
    assert len(example.splitlines()) <= 18
    data = {
        "images": rng.random((2, 64, 64, 3)).astype("float32"),
        "ages": rng.random((2, 1)).astype("float32"),
        "species": np.array([1, 4]),
    }
    names = dict(data)
    exec(example, names)
    outputs = names["model"].predict(data["images"], verbose=0)
    assert {task: output.shape for task, output in outputs.items()} == {
        "age": (2, 1),
        "species": (2, 5),
    }

    names.update({f"new_{name}": values for name, values in data.items()})
    # The search trains a network for each split: a small tower will do.
    image = keras.Input((64, 64, 3))
    x = keras.layers.Conv2D(2, 3, strides=4, name="one")(image)
    x = keras.layers.Conv2D(3, 3, strides=4, name="two")(x)
    names["tower"] = keras_mtl.towers.Tower(keras.Model(image, x), ["one"])
    printed = []
    exec(search, {**names, "print": printed.append})
    (table,) = printed
    assert {split.name for split in table} == {"one", "two", "heads"}
    assert (tmp_path / "splits" / "splits.json").exists()


@pytest.mark.one_backend
def test_adashare_learns_a_policy(rng):
    (example,) = re.findall(
        r"```python\n(model = keras_mtl.applications.AdaShareDeepLab.*?)```",
        README.read_text(),
        re.DOTALL,
    )
    smaller = {
        "(96, 96, 3), depth=18": "(32, 32, 3), depth=18, width=0.03, features=4",
        "80": "4",
        "}, 16)": "}, 2)",
        "4 * len(data)": "len(data)",
        "warm_up_epochs=4": "warm_up_epochs=1",
        "epochs=16": "epochs=2, verbose=0",
    }
    for ours, theirs in smaller.items():
        assert ours in example
        example = example.replace(ours, theirs)
    names = {
        "keras": keras,
        "keras_mtl": keras_mtl,
        "images": rng.random((6, 32, 32, 3)).astype("float32"),
        "maps": {
            "segmentation": rng.integers(0, 17, (6, 32, 32)),
            "depth": rng.random((6, 32, 32)).astype("float32"),
        },
    }
    exec(example, names)
    assert names["policy"].shape == (2, 8)
    whole, small = (keras_mtl.search.cost(names[name]).macs for name in ("model", "small"))
    assert small < whole


def test_a_tree_is_found(rng, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(networks = .*?)```", README.read_text(), re.DOTALL)

    def network():
        image = x = keras.Input((8,))
        for name in ("one", "two"):
            x = keras.layers.Dense(16, activation="tanh", name=name)(x)
        return keras.Model(image, keras.layers.Dense(1)(x))

    body = network()
    images = rng.normal(size=(12, 8)).astype("float32")
    names = {
        "keras_mtl": keras_mtl,
        "tower": keras_mtl.towers.Tower(
            keras.Model(body.inputs, body.get_layer("two").output), ["one"]
        ),
        "images": images,
        "targets": {task: images[:, :1] for task in ("age", "species", "weight")},
        **{f"{task}_network": network() for task in ("age", "species", "weight")},
        "print": lambda report: printed.append(str(report)),
    }
    printed = []
    assert "budget=150_000" in example
    exec(example.replace("150_000", "1100").replace("epochs=10", "epochs=1, verbose=0"), names)
    assert "chosen" in printed[0]
    assert json.loads((tmp_path / "tree.json").read_text())["tree"] == names["tree"]
    assert names["model"].count_params() <= 1100


def test_one_network_for_two_notions_of_likeness(rng):
    (example,) = re.findall(
        r"```python\n(net = keras.applications.*?)```", README.read_text(), re.DOTALL
    )
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu", name="one")(image)
    x = keras.layers.GlobalAveragePooling2D(name="two")(x)
    mobile_net = re.search(r"net = (keras.applications.*)\n", example).group(1)
    smaller = {mobile_net: "small", "block_12_add": "one", "block_16_project_BN": "two"}
    smaller["epochs=10"] = "epochs=1, verbose=0"
    for ours, theirs in smaller.items():
        assert ours in example
        example = example.replace(ours, theirs)
    names = {
        "keras": keras,
        "keras_mtl": keras_mtl,
        "small": keras.Model(image, x),
        "images": rng.random((24, 8, 8, 3)).astype("float32"),
        "new_images": rng.random((2, 8, 8, 3)).astype("float32"),
        "colours": np.arange(24) % 3,
        "shapes": np.arange(24) % 4 - 1,
    }
    exec(example, names)
    assert names["numbers"].shape == (2, 5)
    assert {len(each) for each in names["products"].values()} == {2}
    x = names["new_images"]
    folded = names["shape_net"].predict_on_batch(x)
    gated = names["model"].predict_on_batch([x, np.ones(2, "int32")])
    np.testing.assert_allclose(folded, gated, atol=1e-5)
    assert names["shape_net"].count_params() == names["net"].count_params()
