"""What `keras-mtl predict` makes of pictures of every kind and size."""

import json
import os

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl import Task
from keras_mtl.applications import FCN, FastRCNN
from keras_mtl.cli import main
from keras_mtl.geometry import NormalsCodebook
from keras_mtl.heads import AttributesHead, DepthHead
from keras_mtl.sharing import Branched
from keras_mtl.towers import Tower

Image = pytest.importorskip("PIL.Image")
TINY = {"width": 0.03, "stem_strides": 2, "rescale": 1 / 64}


@pytest.fixture
def photographs(tmp_path, rng):
    """A folder of pictures of many kinds, one of them broken."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    colours = rng.integers(0, 256, (40, 60, 3), dtype="uint8")
    Image.fromarray(colours).save(folder / "colours.jpg")
    Image.fromarray(colours[..., 0]).save(folder / "grey.png")
    Image.fromarray(colours).convert("P").save(folder / "palette.gif")
    Image.fromarray(colours[..., 0].astype("uint16") * 257).save(folder / "deep.png")
    Image.fromarray(np.dstack([colours, colours[..., 0]])).save(folder / "clear.png")
    Image.fromarray(colours[:16, :16]).save(folder / "tiny.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned by a quarter.
    Image.fromarray(colours).save(folder / "turned.jpg", exif=exif)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (folder / "empty.png").write_bytes(b"")
    (folder / "notes.txt").write_text("no picture either")
    (folder / "within").mkdir()
    Image.fromarray(colours).save(folder / "within" / "not_looked_at.png")
    return folder


PICTURES = {"colours.jpg", "grey.png", "palette.gif", "deep.png", "clear.png", "tiny.png"} | {
    "turned.jpg"
}


def test_a_small_network_on_every_backend(tmp_path, rng):
    (tmp_path / "pictures").mkdir()
    picture = rng.integers(0, 256, (40, 60, 3), dtype="uint8")
    Image.fromarray(picture).save(tmp_path / "pictures" / "one.png")
    words = ["predict", str(tmp_path / "pictures")]
    for layer, task, head in (
        (keras.layers.ReLU(name="relu"), "depth", DepthHead((8, 8), 1)),
        (keras.layers.GlobalAveragePooling2D(name="pool"), "smiling", AttributesHead(1)),
    ):
        net = keras.Sequential([keras.Input((8, 8, 3), name="image"), layer])
        tower = Tower(net, cuts=[])
        model = keras_mtl.MultiTaskModel(tower, Branched.hard_sharing(), tasks={task: head})
        model.save(tmp_path / f"{task}.keras")
        words += ["--model", str(tmp_path / f"{task}.keras")]
    assert main([*words, "--output", str(tmp_path / "seen")]) == 0
    found = json.loads((tmp_path / "seen" / "predictions.json").read_text())["one.png"]
    assert found["depth"]["least"] <= found["depth"]["median"] <= found["depth"]["most"]
    assert 0 <= found["smiling"] <= 1


@pytest.mark.one_backend
def test_what_is_shown_stands_in_the_file(tmp_path, rng):
    """Tasks of Keras' own layers: their kinds and the names of their classes come from the file."""
    (tmp_path / "pictures").mkdir()
    picture = rng.integers(0, 256, (8, 8, 3), dtype="uint8")
    Image.fromarray(picture).save(tmp_path / "pictures" / "one.png")
    layers = keras.layers
    tasks = {
        "animal": Task.classification(
            ["cat", "dog"], head=keras.Sequential([layers.Flatten(), layers.Dense(2)])
        ),
        "ground": Task.segmentation(["grass", "sand", "sea"], head=layers.Conv2D(3, 1)),
        "far": Task.depth(head=layers.Conv2D(1, 1)),
        "glow": Task.map(4, head=layers.Conv2D(4, 1)),
        "wind": Task.map(2, head=layers.Conv2D(2, 1)),
        "way": Task.normals(head=layers.Conv2D(3, 1)),
        "age": Task.regression(head=keras.Sequential([layers.Flatten(), layers.Dense(1)])),
        "happy": Task.attributes(
            ["smiling"], head=keras.Sequential([layers.Flatten(), layers.Dense(1)])
        ),
        "both": keras.Model(
            image := keras.Input((8, 8, 3)),
            {"flat": layers.Flatten()(image), "map": layers.Conv2D(2, 1)(image)},
        ),
    }
    net = keras.Sequential([keras.Input((8, 8, 3), name="image"), layers.ReLU(name="relu")])
    model = keras_mtl.MultiTaskModel(Tower(net, []), Branched.hard_sharing(), tasks)
    model.save(tmp_path / "own.keras")
    words = ["predict", str(tmp_path / "pictures"), "--model", str(tmp_path / "own.keras")]
    assert main([*words, "--output", str(tmp_path / "seen")]) == 0
    found = json.loads((tmp_path / "seen" / "predictions.json").read_text())["one.png"]
    assert set(found["animal"]) == {"cat", "dog"}
    assert sum(found["animal"].values()) == pytest.approx(1, abs=2e-4)
    assert set(found["ground"]) <= {"grass", "sand", "sea"}
    assert set(found["far"]) == set(found["glow"]) == {"least", "median", "most"}
    assert set(found["wind"]) == {"mean_length"} and len(found["way"]["mean"]) == 3
    outputs = model.predict_on_batch(picture[None].astype("float32"))
    assert len(found["both_flat"]) == 192 and set(found["both_map"]) == {"mean_length"}
    assert 0 <= found["happy"] <= 1
    assert np.linalg.norm(found["way"]["mean"]) <= 1
    assert found["age"] == pytest.approx(outputs["age"].ravel().tolist(), rel=1e-3)


@pytest.mark.one_backend
def test_names_of_any_bytes_and_lengths(tmp_path, rng, capsys):
    """Names that are no UTF-8 come back from JSON; one that is too long costs only its image."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype="uint8"))
    odd, long = os.fsdecode(b"caf\xe9.png"), "é" * 125 + ".png"
    for name in (odd, "café.png", long):
        picture.save(folder / name)
    net = keras.Sequential([keras.Input((8, 8, 3), name="image"), keras.layers.ReLU(name="relu")])
    heads = {"depth": DepthHead((8, 8), 1)}
    keras_mtl.MultiTaskModel(Tower(net, []), Branched.hard_sharing(), tasks=heads).save(
        tmp_path / "depth.keras"
    )
    output = tmp_path / os.fsdecode(b"\xff")
    words = ["predict", str(folder), "--model", str(tmp_path / "depth.keras")]
    assert main([*words, "--output", str(output)]) == 1
    text = (output / "predictions.json").read_text("utf-8")
    assert set(json.loads(text)) == {odd, "café.png"}
    assert '"caf\\udce9.png"' in text and '"café.png"' in text
    assert (output / f"{odd}.png").is_file() and (output / "café.png.png").is_file()
    printed = capsys.readouterr()
    assert "2 of 3 pictures, 1 failed:" in printed.out and "\\udcff" in printed.out
    assert long[:100] in printed.err


@pytest.mark.one_backend
def test_dense_tasks_of_every_kind_of_picture(photographs, tmp_path, capsys):
    model = FCN(
        Branched.hard_sharing(),
        {"segmentation": 17, "normals": NormalsCodebook.default(), "depth": "depth"},
        (48, 48, 3),
        padding="same",
        **TINY,
    )
    model.save(tmp_path / "model.keras")
    before = {path: path.read_bytes() for path in photographs.iterdir() if path.is_file()}
    words = ["predict", str(photographs), "--model", str(tmp_path / "model.keras")]
    assert main(words) == 1  # Two files are broken.
    printed = capsys.readouterr()
    told = [line for line in printed.err.splitlines() if "must be a whole picture" in line]
    assert len(told) == 2 and "broken.jpg" in told[0] and "empty" in told[1]
    found = json.loads((photographs / "predictions" / "predictions.json").read_text())
    assert set(found) == PICTURES
    for name, of_picture in found.items():
        assert (photographs / "predictions" / f"{name}.png").stat().st_size > 1000
        assert sum(of_picture["segmentation"].values()) == pytest.approx(1, abs=1e-2)
        assert np.linalg.norm(of_picture["normals"]["mean"]) <= 1 + 1e-3
        assert of_picture["depth"]["least"] <= of_picture["depth"]["most"]
    assert all(path.read_bytes() == content for path, content in before.items())
    names = {path.name for path in (photographs / "predictions").iterdir()}
    assert names == {f"{name}.png" for name in PICTURES} | {"predictions.json"}


@pytest.mark.one_backend
def test_detectors_complete_each_other(photographs, tmp_path):
    pytest.importorskip("cv2")
    for path in photographs.iterdir():
        if path.is_file() and path.name not in ("colours.jpg", "tiny.png"):
            path.unlink()
    models = []
    for name, counts in {"detection": (14, None), "attributes": (None, 24)}.items():
        model = FastRCNN(Branched.independent(), *counts, (48, 48, 3), **TINY)
        model.save(tmp_path / f"{name}.keras")
        models += ["--model", str(tmp_path / f"{name}.keras")]
    output = tmp_path / "found"
    assert main(["predict", str(photographs), *models, "--output", str(output)]) == 0
    found = json.loads((output / "predictions.json").read_text())
    assert set(found) == {"colours.jpg", "tiny.png"}
    for of_picture in found.values():
        for each in of_picture["objects"]:
            assert len(each["attributes"]) == 24
            left, top, right, bottom = each["box"]
            assert 0 <= left <= right <= 61 and 0 <= top <= bottom <= 41


@pytest.mark.one_backend
@pytest.mark.parametrize("sides", [48, None])
def test_boxes_of_a_picture_that_was_shrunk(sides, tmp_path, rng, monkeypatch):
    """They are in pixels of the file, whatever was read of it, and whatever the network takes."""
    pytest.importorskip("cv2")
    (tmp_path / "pictures").mkdir()
    picture = rng.integers(0, 256, (30, 40, 3), dtype="uint8").repeat(5, 0).repeat(5, 1)
    Image.fromarray(picture).save(tmp_path / "pictures" / "a.png")
    model = FastRCNN(Branched.independent(), 14, None, (sides, sides, 3), **TINY)
    model.save(tmp_path / "a.keras")
    words = ["predict", str(tmp_path / "pictures"), "--model", str(tmp_path / "a.keras")]
    monkeypatch.setattr("keras_mtl.cli._systems.SMALLEST", 60)
    found = []
    for side in (1000, 80):
        monkeypatch.setattr("keras_mtl.cli._systems.DRAWN", side)
        monkeypatch.setattr("keras_mtl.cli._systems.LARGEST", side)
        assert main([*words, "--output", str(tmp_path / str(side))]) == 0
        text = (tmp_path / str(side) / "predictions.json").read_text()
        boxes = np.array([each["box"] for each in json.loads(text)["a.png"]["objects"]])
        found.append(boxes[:, 2:].max(axis=0))
    np.testing.assert_allclose(found, 2 * [[200, 150]], atol=10)


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "name, notions",
    [
        ("likeness", ["kind", "colour", "texture", "shape"]),
        ("embedding", ["task 0", "task 1", "task 2"]),
    ],
)
def test_an_embedding_finds_what_is_alike(name, notions, photographs, files, tmp_path):
    words = ["predict", str(photographs), "--model", str(files / f"{name}.keras")]
    output, kept = tmp_path / "alike", {"colours.jpg", "grey.png", "turned.jpg"}
    for name in PICTURES - kept:
        (photographs / name).unlink()
    assert main([*words, "--output", str(output)]) == 1  # Two files are broken.
    found = json.loads((output / "predictions.json").read_text())
    assert set(found) == kept
    for name, of_picture in found.items():
        assert list(of_picture["nearest"]) == notions
        for others in of_picture["nearest"].values():
            assert {each["picture"] for each in others} == kept - {name}
            distances = [each["distance"] for each in others]
            assert distances == sorted(distances)
    assert {path.name for path in output.iterdir()} == {
        *(f"{name}.png" for name in kept),
        "predictions.json",
    }


@pytest.mark.one_backend
def test_what_was_there_is_replaced_and_what_cannot_be_is_told(files, tmp_path, capsys):
    """An image whose place is taken by a folder is told of, and the others are done."""
    output = tmp_path / "seen"
    (output / "0.png.png").mkdir(parents=True)
    (output / "1.png.png").write_text("before")
    (output / "predictions.json").write_text("before")
    (output / "notes.txt").write_text("another's")
    words = ["predict", str(files / "pictures"), "--model", str(files / "depth.keras")]
    assert main([*words, "--output", str(output)]) == 1
    printed = capsys.readouterr()
    assert printed.out == f"1 of 2 pictures, 1 failed: {output}\n"
    assert printed.err.startswith("keras-mtl: ") and str(output / "0.png.png") in printed.err
    assert list(json.loads((output / "predictions.json").read_text())) == ["1.png"]
    assert (output / "1.png.png").read_bytes().startswith(b"\x89PNG")
    assert (output / "notes.txt").read_text() == "another's"
    assert len(list(output.iterdir())) == 4


@pytest.mark.one_backend
def test_odd_outputs_are_shown_as_numbers(files, tmp_path):
    """Normals of two numbers a pixel, which are none."""
    words = ["predict", str(files / "pictures"), "--model", str(files / "normals.keras")]
    assert main([*words, "--output", str(tmp_path)]) == 0
    found = json.loads((tmp_path / "predictions.json").read_text())
    assert set(found["0.png"]["normals"]) == {"mean_length"}
