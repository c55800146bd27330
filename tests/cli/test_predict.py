"""What `keras-mtl predict` makes of pictures of every kind and size."""

import io
import json
import os
import shlex
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_mtl
from keras_mtl import Task, plots
from keras_mtl.applications import FCN, FastRCNN
from keras_mtl.cli import main
from keras_mtl.cli._maps import Map
from keras_mtl.cli._photographs import by_name, pictures_of
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
def test_dense_tasks_of_every_kind_of_picture(photographs, tmp_path, monkeypatch, capsys):
    """What comes out is in the current folder, and nothing in that of the pictures."""
    model = FCN(
        Branched.hard_sharing(),
        {"segmentation": 17, "normals": NormalsCodebook.default(), "depth": "depth"},
        (48, 48, 3),
        padding="same",
        **TINY,
    )
    model.save(tmp_path / "model.keras")
    before = {path: path.is_dir() or path.read_bytes() for path in photographs.iterdir()}
    monkeypatch.chdir(tmp_path)
    assert main(["predict", "pictures", "--model", "model.keras"]) == 1  # Two files are broken.
    printed = capsys.readouterr()
    told = [line for line in printed.err.splitlines() if "must be a whole picture" in line]
    assert len(told) == 2 and "broken.jpg" in told[0] and "empty" in told[1]
    output = tmp_path / "predictions"
    found = json.loads((output / "predictions.json").read_text())
    assert set(found) == PICTURES
    for name, of_picture in found.items():
        assert (output / f"{name}.png").stat().st_size > 1000
        assert sum(of_picture["segmentation"].values()) == pytest.approx(1, abs=1e-2)
        assert np.linalg.norm(of_picture["normals"]["mean"]) <= 1 + 1e-3
        assert of_picture["depth"]["least"] <= of_picture["depth"]["most"]
    after = {path: path.is_dir() or path.read_bytes() for path in photographs.iterdir()}
    assert after == before
    names = {path.name for path in output.iterdir()}
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


@pytest.fixture
def holidays(tmp_path, monkeypatch):
    """The current folder: pictures of which some have one name, in folders of several levels."""
    monkeypatch.chdir(tmp_path)
    for name in ("cat.png", "dog.png", "a/x/cat.png", "b/x/cat.png", "b/x/.hidden.png", "b/a.txt"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4)).save(name, "PNG")
    return tmp_path


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "words, found",
    [
        ("cat.png", ["cat.png"]),
        ("./cat.png a/../cat.png *.png", ["cat.png", "dog.png"]),
        ("**/*.png", ["[x]/a.png", "a/x/cat.png", "b/x/cat.png", "cat.png", "dog.png"]),
        ("b/x/ dog.png b/*/*", ["b/x/cat.png", "dog.png"]),
        ("[x] *", ["[x]/a.png", "cat.png", "dog.png"]),
    ],
)
def test_pictures_globs_and_folders(words, found, holidays):
    """Each picture once, in the order of the words; what is there is no glob."""
    Path("[x]").mkdir()
    Image.new("RGB", (6, 4)).save("[x]/a.png")
    assert [path.as_posix() for path in pictures_of(map(Path, words.split()))] == found


@pytest.mark.one_backend
@pytest.mark.parametrize(
    "words, code, told",
    [
        ("'*.jpg'", 1, "*.jpg must match pictures. It matches nothing"),
        ("'b/*'", 1, "It matches no picture (.jpg, "),
        ("b/a.txt", 1, "b/a.txt must be a folder of pictures, a picture, or a glob of them: it is"),
        ("cat.png cow.png", 1, "cow.png must be a folder of pictures, a picture, or a glob of"),
        ("cat.png b", 1, "b holds no pictures (.jpg, "),
        ("dog.png --output a/..", 2, "--output must be another folder than that of the pictures"),
        # The folder of one of two pictures of one name would be that in the output.
        ("a/x b/x --output .", 2, "--output must be another folder than that of the pictures, ."),
    ],
)
def test_pictures_that_are_none(words, code, told, holidays, capsys):
    before = sorted(holidays.rglob("*"))
    assert main(["predict", *shlex.split(words)]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("keras-mtl: error: ") and told in line
    assert sorted(holidays.rglob("*")) == before


@pytest.mark.one_backend
def test_pictures_of_one_name_are_told_apart_by_their_folders(holidays, files):
    paths = [Path(name) for name in ("cat.png", "a/x/cat.png", "dog.png", "b/x/cat.png")]
    here = holidays.parent.name, holidays.name
    names = ["/".join([*here, "cat.png"]), "a/x/cat.png", "b/x/cat.png", "dog.png"]
    assert list(by_name(paths)) == names
    assert list(by_name([Path("/cat.png"), Path("/a/cat.png")])) == ["cat.png", "a/cat.png"]
    words = ["predict", *map(str, paths), "--model", str(files / "depth.keras"), "--save-maps"]
    assert main(words) == 0
    found = json.loads(Path("predictions/predictions.json").read_text())
    assert list(found) == names
    for name, of_picture in found.items():
        assert Path("predictions", f"{name}.png").is_file()
        assert of_picture["saved_maps"] == {"depth": {"file": f"{name}.depth.npy"}}
        assert Path("predictions", f"{name}.depth.npy").is_file()


@pytest.mark.one_backend
@pytest.mark.parametrize("drawn", [1000, 10])
def test_maps_are_what_the_network_says(drawn, tmp_path, monkeypatch):
    """Classes in the size of the file, however small it is drawn; numbers in the network's own."""
    monkeypatch.setattr("keras_mtl.cli._systems.DRAWN", drawn)
    exif = Image.Exif()
    exif[0x0112] = 6  # Turned by a quarter: 13 high, 25 wide, and what is above to the right.
    pixels = np.zeros((25, 13, 3), "uint8")
    pixels[:12] = 255
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    layers = keras.layers
    tasks = {
        "ground": Task.segmentation(["grass", "sand", "sea"], head=layers.Conv2D(3, 1)),
        "far": Task.depth(head=layers.Conv2D(1, 1)),
        "way": Task.normals(head=layers.Conv2D(3, 1)),
    }
    net = keras.Sequential([keras.Input((8, 8, 3), name="image"), layers.ReLU(name="relu")])
    model = keras_mtl.MultiTaskModel(Tower(net, []), Branched.hard_sharing(), tasks)
    bright = np.array([0, -1, 1]) * np.ones((1, 1, 3, 3))
    model.head("ground").set_weights([bright, np.array([380, -1, 0])])  # The sea is.
    model.save(tmp_path / "own.keras")
    words = ["predict", str(tmp_path / "a.png"), "--model", str(tmp_path / "own.keras")]
    assert main([*words, "--output", str(tmp_path / "seen"), "--save-maps"]) == 0
    (found,) = json.loads((tmp_path / "seen" / "predictions.json").read_text()).values()
    maps = found["saved_maps"]
    assert set(maps) == {"ground", "far", "way"}
    assert maps["ground"] == {
        "file": "a.png.ground.png",
        "classes": ["grass", "sand", "sea"],
    }
    with Image.open(tmp_path / "seen" / "a.png.ground.png") as image:
        assert (image.mode, image.size) == ("L", (25, 13))
        ground = np.asarray(image)
    assert (ground[:, :11] == 0).all() and (ground[:, 14:] == 2).all()
    far = np.load(tmp_path / "seen" / maps["far"]["file"])
    assert (far.shape, far.dtype) == ((4, 8), "float32")
    least, most = found["far"]["least"], found["far"]["most"]
    np.testing.assert_allclose([far.min(), far.max()], [least, most], atol=1e-4)
    way = np.load(tmp_path / "seen" / maps["way"]["file"])
    assert (way.shape, way.dtype) == ((4, 8, 3), "float32")
    np.testing.assert_allclose(way.mean(axis=(0, 1)), found["way"]["mean"], atol=1e-4)


@pytest.mark.one_backend
@pytest.mark.parametrize("count, mode", [(256, "L"), (257, "I;16")])
def test_classes_are_read_back_as_they_were(count, mode, tmp_path):
    labels = np.array([[0, 1, 255], [count - 1, 2, 3]])
    path = Map(labels, [f"class {each}" for each in range(count)]).write(tmp_path / "a.ground")
    assert path == tmp_path / "a.ground.png"
    with Image.open(path) as image:
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image), labels)


@pytest.mark.one_backend
@pytest.mark.parametrize("name", ["detection", "embedding", "ages"])
def test_networks_without_maps_are_refused(name, files, tmp_path, monkeypatch, capsys):
    head = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(1)])
    net = keras.Sequential([keras.Input((8, 8, 3), name="image"), keras.layers.ReLU(name="relu")])
    tasks = {"age": Task.regression(head=head)}
    keras_mtl.MultiTaskModel(Tower(net, []), Branched.hard_sharing(), tasks).save(
        tmp_path / "ages.keras"
    )
    path = (tmp_path if name == "ages" else files) / f"{name}.keras"
    monkeypatch.chdir(tmp_path)
    words = ["predict", str(files / "pictures"), "--model", str(path), "--save-maps"]
    assert main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "needs a network with an output for every pixel" in line and str(path) in line
    assert not (tmp_path / "predictions").exists()


@pytest.mark.one_backend
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_is_for_other_programs(encoding, files, tmp_path, monkeypatch, capsys):
    """Whatever the pipe can take: the content of the file, and all else goes to stderr."""
    odd = os.fsdecode(b"caf\xe9.png")
    for name in ("café →.png", odd):
        Image.new("RGB", (6, 4)).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"")
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", out)
    output = tmp_path / "é →"
    words = ["predict", str(tmp_path), "--model", str(files / "depth.keras"), "--json"]
    assert main([*words, "--output", str(output)]) == 1
    printed = json.loads(out.buffer.getvalue())
    assert printed == json.loads((output / "predictions.json").read_text("utf-8"))
    assert set(printed) == {"café →.png", odd}
    broken, done = capsys.readouterr().err.splitlines()
    assert "broken.png" in broken and done == f"2 of 3 pictures, 1 failed: {output}"


@pytest.mark.one_backend
def test_a_network_of_the_zoo_is_told_to_know_rooms_only(files, tmp_path, monkeypatch, capsys):
    """Once, whatever its letters, and of no network from a file."""
    own = str(files / "depth.keras")
    monkeypatch.setattr(
        "keras_mtl.cli.predict.load", lambda name: keras.models.load_model(own, compile=False)
    )
    words = ["predict", str(files / "pictures"), "--output", str(tmp_path)]
    for models in ((), ("crossstitchfcn", own, "CrossStitchFCN")):
        assert main([*words, *(word for each in models for word in ("--model", each))]) == 0
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("keras-mtl: CrossStitchFCN has seen rendered rooms only")
    assert main([*words, "--model", own]) == 0
    assert not capsys.readouterr().err


@pytest.mark.one_backend
def test_what_is_interrupted_keeps_what_was_done(files, tmp_path, monkeypatch, capsys):
    save, calls = plots.pyplot().Figure.savefig, []

    def interrupted_at_the_second(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        save(*arguments, **options)

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", interrupted_at_the_second)
    words = ["predict", str(files / "pictures"), "--model", str(files / "depth.keras")]
    assert main([*words, "--output", str(tmp_path)]) == 130
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err == f"keras-mtl: interrupted: 1 of 2 pictures: {tmp_path}\n"
    assert {path.name for path in tmp_path.iterdir()} == {"0.png.png", "predictions.json"}
    assert list(json.loads((tmp_path / "predictions.json").read_text())) == ["0.png"]
