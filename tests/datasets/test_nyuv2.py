"""NYUv2's reader, on files in the published formats whose contents are known."""

import re

import h5py
import numpy as np
import pytest
import scipy.io
from PIL import Image
from published_files.nyuv2 import TEST, TRAIN, shrink_nyuv2, write_nyuv2

from keras_mtl.datasets import nyuv2

pytestmark = pytest.mark.one_backend


@pytest.fixture
def small(monkeypatch):
    shrink_nyuv2(monkeypatch)


@pytest.fixture
def files(tmp_path, rng, small):
    return tmp_path, write_nyuv2(tmp_path, rng)


@pytest.mark.parametrize("num_classes", [13, 40])
@pytest.mark.parametrize(("split", "numbers"), [("train", TRAIN), ("test", TEST)])
def test_what_is_read(files, num_classes, split, numbers):
    folder, truth = files
    data = nyuv2.load(split, folder, num_classes=num_classes)
    rows = np.array(numbers) - 1
    np.testing.assert_array_equal(data["image"], truth["image"][rows])
    np.testing.assert_array_equal(data["depth"], truth["depth"][rows])
    labels = truth["labels"][rows].astype(int)
    expected = np.where(labels > 0, truth["to_40"][labels - 1].astype(int), 0)
    if num_classes == 13:
        expected = np.where(expected > 0, truth["to_13"][expected - 1].astype(int), 0)
    np.testing.assert_array_equal(data["segmentation"], np.where(expected > 0, expected - 1, 255))
    measured = truth["measured"][rows]
    normals = np.asarray(data["normals"])
    assert normals.dtype == "float32" and (normals[~measured] == 0).all()
    np.testing.assert_allclose(normals[measured], truth["normals"][rows][measured], atol=8e-3)
    np.testing.assert_allclose(np.linalg.norm(normals[measured], axis=-1), 1, atol=1e-6)


def test_scaled(files):
    folder, truth = files
    data = nyuv2.load("train", folder, shortest_side=24, num_images=2)
    assert data["image"].shape == (2, 24, 32, 3)
    # Of maps every second value is taken, those of pictures are mixed.
    first = truth["labels"][TRAIN[0] - 1]
    expected = np.concatenate([[0], truth["to_40"]])[first[1::2, 1::2]].astype("uint8") - 1
    np.testing.assert_array_equal(data["segmentation"][0], expected.astype("uint8"))
    np.testing.assert_array_equal(data["depth"][0], truth["depth"][TRAIN[0] - 1][1::2, 1::2])
    assert data["normals"].shape == (2, 24, 32, 3)
    mean = truth["image"][TRAIN[0] - 1].mean()
    assert abs(data["image"][0].mean() - mean) < 2


def test_batches(files):
    folder, truth = files
    tasks = ("segmentation", "depth")
    options = {"as_arrays": False, "tasks": tasks, "batch_size": 2, "seed": 3}
    batches = nyuv2.load("train", folder, **options)
    assert len(batches) == 2 and batches.shuffle
    images, targets = batches[0]
    rows = np.array(TRAIN)[batches.order()[:2]] - 1
    np.testing.assert_array_equal(images, truth["image"][rows])
    np.testing.assert_array_equal(targets["depth"], truth["depth"][rows])
    assert set(targets) == set(tasks) and targets["segmentation"].dtype == "int32"

    def brighter(images, targets, rng):
        return images + rng.integers(1, 9), targets

    augmented = nyuv2.load("train", folder, **options, workers=2, augment=brighter)
    for index in range(2):
        difference = augmented[index][0] - batches[index][0]
        assert difference.min() == difference.max() > 0
    assert not nyuv2.load("test", folder, as_arrays=False).shuffle
    with pytest.raises(ValueError, match="`tasks` must be one or more of .*depth.*tusks"):
        nyuv2.load("test", folder, as_arrays=False, tasks="tusks")


def test_prepared_once(files):
    """The published files are not needed any more."""
    folder, truth = files
    nyuv2.load("test", folder)
    (folder / "nyu_depth_v2_labeled.mat").unlink()
    image = nyuv2.load("test", folder)["image"]
    np.testing.assert_array_equal(image[0], truth["image"][TEST[0] - 1])
    with pytest.raises(FileNotFoundError, match="nyu_depth_v2_labeled.mat"):
        nyuv2.load("test", folder, cache_dir=folder / "elsewhere")


def test_arguments(tmp_path):
    with pytest.raises(ValueError, match="`split` must be .*train.*test.*Received: split='val'"):
        nyuv2.load("val", tmp_path)
    with pytest.raises(ValueError, match=r"`num_classes` .* \[13, 40\]. Received: num_classes=14"):
        nyuv2.load("test", tmp_path, num_classes=14)
    with pytest.raises(FileNotFoundError, match=r"`data_dir` must be .* no .*none(.|\n)*Ladick"):
        nyuv2.load("test", tmp_path / "none")


@pytest.mark.parametrize(
    "name",
    ["nyu_depth_v2_labeled.mat", "splits.mat", "classMapping40.mat", "class13Mapping.mat"],
)
def test_files_that_are_missing_renamed_or_cut(files, name):
    folder, _ = files
    path = folder / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{name} must be a whole"):
        nyuv2.load("train", folder)
    path.rename(folder / name.replace(".mat", "(1).mat"))
    with pytest.raises(FileNotFoundError, match=f"must hold '{name}', the .* There is .*1"):
        nyuv2.load("train", folder)
    (folder / name.replace(".mat", "(1).mat")).unlink()
    with pytest.raises(FileNotFoundError, match=f"must hold '{name}', the .* no {folder}"):
        nyuv2.load("train", folder)
    path.write_bytes(content)
    assert len(nyuv2.load("train", folder)["image"]) == len(TRAIN)


def test_normals_that_are_missing_cut_or_of_another_size(files):
    folder, _ = files
    path = folder / "nyu_normals_gt" / "train" / "00004.png"
    content = path.read_bytes()
    for wrong, message in (
        (content[:-200], "00004.png must be a whole picture"),
        (None, "must hold '00004.png', the normals of picture 4"),
    ):
        path.unlink() if wrong is None else path.write_bytes(wrong)
        with pytest.raises((ValueError, FileNotFoundError), match=message):
            nyuv2.load("train", folder)
    Image.new("RGB", (64, 47)).save(path)
    with pytest.raises(
        ValueError, match="00004.png must be .*RGB of 48×64.*Received: RGB of 47×64"
    ):
        nyuv2.load("train", folder)


def test_contents_that_are_not_as_published(files):
    folder, _ = files
    path = folder / "nyu_depth_v2_labeled.mat"
    with h5py.File(path, "r+") as file:
        labels = file["labels"][...]
        del file["labels"]
        file["labels"] = labels[:, :-1]
    with pytest.raises(ValueError, match=re.escape("labels must have shape (5, 64, 48)")):
        nyuv2.load("train", folder)
    with h5py.File(path, "r+") as file:
        del file["labels"]
    with pytest.raises(ValueError, match="labels must have shape .* Received: None"):
        nyuv2.load("train", folder)
    for numbers, message in (
        ([1, 3], "trainNdxs must hold 3 numbers. Received: 2"),
        ([0, 1, 3], "each number from 1 to 5 once"),
        ([2, 4, 3], "each number from 1 to 5 once"),
    ):
        splits = {"trainNdxs": np.array(numbers)[:, None], "testNdxs": np.array(TEST)[:, None]}
        scipy.io.savemat(folder / "splits.mat", splits)
        with pytest.raises(ValueError, match=message):
            nyuv2.load("train", folder)


def test_an_interrupted_preparation_is_none(files, monkeypatch):
    """What a killed process leaves is not taken for the data, and does not stand in the way."""
    folder, truth = files
    from keras_mtl.datasets.nyuv2 import nyuv2_dataset_builder as builder

    example = builder._example

    def interrupted(*arguments):
        if arguments[-1] == TRAIN[1] - 1:
            raise KeyboardInterrupt
        return example(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(builder, "_example", interrupted)
        # As if killed: nothing is tidied up.
        patch.setattr("shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(KeyboardInterrupt):
            nyuv2.load("train", folder)
    data = nyuv2.load("train", folder)
    np.testing.assert_array_equal(data["image"], truth["image"][np.array(TRAIN) - 1])


@pytest.mark.parametrize("name", ["dataset_info.json", "nyuv2-train.array_record-00000-of-00001"])
def test_damaged_prepared_files(files, name):
    folder, _ = files
    nyuv2.load("train", folder)
    path = folder / "prepared" / "nyuv2" / "1.0.0" / name
    content = path.read_bytes()
    for cut in (content[: len(content) // 2], content[:-10], None):
        path.unlink() if cut is None else path.write_bytes(cut)
        with pytest.raises(OSError, match="prepared files are damaged; remove .*nyuv2.* anew"):
            np.asarray(nyuv2.load("train", folder)["image"])


def test_paths_and_options_that_are_easily_wrong(files, monkeypatch):
    folder, _ = files
    monkeypatch.setenv("HOME", str(folder.parent))
    home = f"~/{folder.name}"
    data = nyuv2.load("train", home, num_images=2, cache_dir=f"{home}/kept")
    assert (folder / "kept" / "nyuv2").is_dir() and len(data["image"]) == 2
    monkeypatch.chdir(folder)
    data = nyuv2.load("train", ".")
    monkeypatch.chdir("/")
    assert data["image"][0].shape == (48, 64, 3)
    with pytest.raises(TypeError, match="no option shortest_size"):
        nyuv2.load("train", folder, shortest_size=24)
    for wrong in (0, -1, 2.5):
        with pytest.raises(ValueError, match="num_images"):
            nyuv2.load("train", folder, num_images=wrong)
    with pytest.raises(ValueError, match="`tasks` must be"):
        nyuv2.load("train", folder, as_arrays=False, tasks=("depth", "depth"))


def test_several_files_of_records(files, monkeypatch):
    """As large data have: they are written one after the other, and keep their order."""
    folder, truth = files
    from keras_mtl.datasets.nyuv2 import nyuv2_dataset_builder as builder

    monkeypatch.setattr(builder.Builder, "SHARD_ROWS", 2)
    data = nyuv2.load("train", folder)
    assert len(list((folder / "prepared").rglob("*train*array_record*"))) == 2
    np.testing.assert_array_equal(data["image"], truth["image"][np.array(TRAIN) - 1])
