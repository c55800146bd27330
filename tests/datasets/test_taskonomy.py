"""Taskonomy's reader, on files in the published formats whose contents are known."""

import shutil

import numpy as np
import pytest
from PIL import Image
from published_files.taskonomy import (
    DOMAINS,
    LIST,
    SIDE,
    VIEWS,
    file_of,
    shrink_taskonomy,
    write_taskonomy,
)

from keras_mtl.datasets import taskonomy

pytestmark = pytest.mark.one_backend


@pytest.fixture
def files(tmp_path, rng, monkeypatch):
    shrink_taskonomy(monkeypatch)
    return tmp_path, write_taskonomy(tmp_path, rng)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_what_is_read(files, split):
    folder, truth = files[0], files[1][split]
    data = taskonomy.load(split, folder)
    data = {name: np.asarray(values) for name, values in data.items()}
    np.testing.assert_array_equal(data["image"], truth["image"])
    labels = truth["labels"].astype(int)
    np.testing.assert_array_equal(data["segmentation"], np.where(labels > 0, labels - 1, 255))
    assert len(taskonomy.CLASSES) == 17 and data["segmentation"].dtype == "uint8"
    assert {data[name].dtype.name for name in data if name not in ("image", "segmentation")} == {
        "float32"
    }
    assert (data["normals"][:, 0] == 0).all() and (data["depth"][:, 0] == 0).all()
    surface = data["normals"][:, 1:]
    np.testing.assert_allclose(np.linalg.norm(surface, axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(surface, truth["vectors"][:, 1:], atol=8e-3)
    np.testing.assert_allclose(data["depth"][:, 1:], truth["depth"][:, 1:] / 512, rtol=1e-6)
    for name, strongest in {"keypoints": 0.005, "edges": 0.08}.items():
        expected = np.clip(truth[name] / 65535 / strongest, 0, 1)
        assert expected.max() == 1 > expected.mean()
        np.testing.assert_allclose(data[name], expected, rtol=1e-5)


def test_scaled(files):
    folder, truth = files[0], files[1]["train"]
    data = taskonomy.load("train", folder, shortest_side=SIDE // 2, num_images=3)
    assert data["image"].shape == (3, SIDE // 2, SIDE // 2, 3)
    assert data["normals"].shape == (3, SIDE // 2, SIDE // 2, 3)
    depth = truth["depth"][:3, 1::2, 1::2] / 512
    np.testing.assert_allclose(data["depth"], depth, rtol=1e-6)


def test_batches(files):
    folder, truth = files[0], files[1]["train"]
    batches = taskonomy.load("train", folder, as_arrays=False, batch_size=3)
    images, targets = batches[0]
    np.testing.assert_array_equal(images, truth["image"][batches.order()[:3]])
    assert list(targets) == ["segmentation", "normals", "depth", "keypoints", "edges"]
    assert batches.shuffle
    test = taskonomy.load("test", folder, as_arrays=False, tasks="edges")
    assert not test.shuffle and list(test[0][1]) == ["edges"]


def test_subsets_are_prepared_apart(files):
    folder, truth = files
    assert len(taskonomy.load("train", folder)["image"]) == len(VIEWS["train"])
    with pytest.raises(FileNotFoundError, match="must hold 'train_val_test_medium.csv', a list of"):
        taskonomy.load("train", folder, subset="medium")
    lines = LIST.replace("\radairsville,1,0,0", "").replace("\r", "\n")
    (folder / "train_val_test_medium.csv").write_text(lines)
    medium = taskonomy.load("train", folder, subset="medium")
    np.testing.assert_array_equal(medium["image"], truth["train"]["image"][3:])
    assert len(taskonomy.load("train", folder)["image"]) == len(VIEWS["train"])


def test_arguments(tmp_path):
    with pytest.raises(ValueError, match="`split` must be .*validation.*Received: split='val'"):
        taskonomy.load("val", tmp_path)
    with pytest.raises(ValueError, match="`subset` must be .*fullplus.*Received: subset='huge'"):
        taskonomy.load("test", tmp_path, subset="huge")
    with pytest.raises(FileNotFoundError, match=r"`data_dir` must be .* no .*none(.|\n)*Omnidata"):
        taskonomy.load("test", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="must hold 'train_val_test_tiny.csv', .*splits_ta"):
        taskonomy.load("test", tmp_path)


@pytest.mark.parametrize("feature", list(DOMAINS))
def test_files_that_are_cut_or_of_another_size(files, feature):
    folder, _ = files
    path = file_of(folder, feature, VIEWS["test"][1])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{path.name} must be a whole picture"):
        taskonomy.load("train", folder)
    Image.new("L", (SIDE, SIDE - 1)).save(path)
    with pytest.raises(ValueError, match=f"{path.name} must be .*of 32×32 .*Received: L of 31×32"):
        taskonomy.load("train", folder)


def test_views_of_which_a_file_is_missing_are_left_out(files):
    folder, truth = files
    file_of(folder, "edges", VIEWS["train"][1]).unlink()
    renamed = file_of(folder, "image", VIEWS["test"][0])
    renamed.rename(renamed.with_name("point_0_view_0.png"))
    with pytest.warns(UserWarning, match="2 views .* first is adairsville, point 10, view 1"):
        data = taskonomy.load("train", folder)
    np.testing.assert_array_equal(data["image"], truth["train"]["image"][[0, 2, 3]])
    np.testing.assert_array_equal(
        taskonomy.load("test", folder)["image"], truth["test"]["image"][1:]
    )


def test_buildings_that_are_missing_or_renamed(files):
    folder, truth = files
    building = folder / "depth_zbuffer" / "taskonomy" / "uno"
    files_of_building = sorted(building.iterdir())
    for path in files_of_building:
        path.rename(path.with_name(path.name.replace("_zbuffer", "")))
    with pytest.raises(
        ValueError, match=f"{building} must hold .*_domain_depth_zbuffer.png.* 1 ot"
    ):
        taskonomy.load("train", folder)
    building.rename(building.with_name("Uno"))
    message = "must hold 'uno', the domain depth_zbuffer of the building uno, .* There is 'Uno'"
    with pytest.raises(FileNotFoundError, match=message):
        taskonomy.load("train", folder)
    shutil.rmtree(building.with_name("Uno"))
    with pytest.raises(FileNotFoundError, match=f"no {building}"):
        taskonomy.load("train", folder)
    (folder / "train_val_test_tiny.csv").write_text(LIST.replace("\runo,1,0,0", ""))
    images = taskonomy.load("train", folder)["image"]
    np.testing.assert_array_equal(images, truth["train"]["image"][:3])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (LIST.replace("val", "dev"), "have columns id, train, val and test.* in line 2"),
        (LIST.replace("beach,0,1,0", "beach,1,1,0"), "1 for one of the three.*beach.* in line 5"),
        (LIST[:-4], "1 for one of the three.*beach.* in line 5"),
        (LIST.replace("beach", "uno"), "each building once.* 4 lines with 3 buildings"),
        (LIST.replace("beach,0,1,0\r", ""), "some for each split.*'validation': 0"),
    ],
)
def test_lists_that_are_not_as_published(files, lines, message):
    folder, _ = files
    (folder / "train_val_test_tiny.csv").write_text(lines)
    with pytest.raises(ValueError, match=f"train_val_test_tiny.csv must .*{message}"):
        taskonomy.load("train", folder)


def test_labels_that_are_no_classes(files):
    folder, truth = files
    labels = truth["test"]["labels"][0].copy()
    labels[0, 0] = 18
    path = file_of(folder, "labels", VIEWS["test"][0])
    Image.fromarray(labels).save(path)
    with pytest.raises(
        ValueError, match=f"{path.name} must hold labels from 0 to 17. Received: 18"
    ):
        taskonomy.load("train", folder)
