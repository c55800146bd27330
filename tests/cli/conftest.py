"""Files of every kind, good and wrong ones, that the command is called with."""

import zipfile

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl import Task
from keras_mtl.applications import FastRCNN
from keras_mtl.sharing import Branched
from keras_mtl.towers import Tower

layers = keras.layers
TINY = {"width": 0.03, "stem_strides": 2, "rescale": 1 / 64}


def saved(path, shape=(16, 16, 3), **tasks):
    """Writes a network that shares all it has, which is a layer; its name is that of the file."""
    net = keras.Sequential([keras.Input(shape, name="image"), layers.Rescaling(1 / 64, name="low")])
    model = keras_mtl.MultiTaskModel(
        Tower(net, cuts=[]), Branched.hard_sharing(), tasks, name=path.stem
    )
    model.save(path)
    return model


def save_embedding(path, shape=(16, 16, 3), num_tasks=3):
    net = keras.Sequential(
        [keras.Input(shape, name="image"), layers.Conv2D(2, 3, name="conv")]
        + [layers.GlobalAveragePooling2D(name="pool")]
    )
    keras_mtl.modulate(net, num_tasks, ["conv"], name=path.stem).save(path)


def depth(channels=1, **options):
    return Task.depth(head=layers.Conv2D(channels, 1, **options))


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """A folder of networks, of folders of pictures, and of what is neither; none writes to it."""
    folder = tmp_path_factory.mktemp("files")
    saved(folder / "depth.keras", depth=depth())
    saved(folder / "oblong.keras", (16, 24, 3), depth=depth())
    saved(folder / "grey.keras", (16, 16, 1), depth=depth())
    saved(folder / "open.keras", (None, None, 3), depth=depth())
    saved(folder / "numbers.keras", (8,), age=Task.regression(head=layers.Dense(1)))
    saved(folder / "normals.keras", normals=Task.normals(head=layers.Conv2D(2, 1)))
    save_embedding(folder / "embedding.keras")
    save_embedding(folder / "likeness.keras", num_tasks=4)
    save_embedding(folder / "open_embedding.keras", (None, None, 3))
    image, task = keras.Input((16, 16, 3), name="image"), keras.Input((), name="task")
    keras.Model([image, task], layers.Flatten()(image), name="gateless").save(
        folder / "gateless.keras"
    )
    for name, of in {"detection": (3, None), "attributes": (None, 2)}.items():
        FastRCNN(Branched.hard_sharing(), *of, (None, None, 3), **TINY).save(
            folder / f"{name}.keras"
        )
    two = [keras.Input((16, 16, 3), name=name) for name in ("left", "right")]
    tower = Tower(keras.Model(two, layers.Add(name="add")(two)), cuts=[])
    keras_mtl.MultiTaskModel(
        tower, Branched.hard_sharing(), {"depth": layers.Conv2D(1, 1)}, name="stereo"
    ).save(folder / "stereo.keras")
    keras.Sequential([keras.Input((16, 16, 3)), layers.ReLU()], name="plain").save(
        folder / "plain.keras"
    )
    ensemble = keras_mtl.Ensemble([keras.models.load_model(folder / "depth.keras")])
    ensemble(np.zeros((1, 16, 16, 3), "float32"))
    ensemble.save(folder / "ensemble.keras")
    unknown = type("Unknown", (layers.Layer,), {"call": lambda self, x: x})()
    keras.Sequential([keras.Input((2,)), unknown]).save(folder / "unknown.keras")
    whole = (folder / "depth.keras").read_bytes()
    (folder / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (folder / "folder.keras").mkdir()
    (folder / "text.keras").write_text("no network")
    with zipfile.ZipFile(folder / "zip.keras", "w") as file:
        file.writestr("notes.txt", "no network either")
    pillow = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype="uint8")
    for name, count in {"pictures": 2, "picture": 1, "nothing": 0}.items():
        (folder / name).mkdir()
        for number in range(count):
            pillow.fromarray(pixels + number).save(folder / name / f"{number}.png")
    (folder / "link.keras").symlink_to("nowhere")
    return folder
