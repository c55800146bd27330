"""Cityscapes' reader, on files in the published formats whose contents are known."""

import numpy as np
import pytest
from PIL import Image
from published_files.cityscapes_mtl import NAMES, file_of, shrink_cityscapes, write_cityscapes

from keras_mtl.datasets import _published, _scaling, cityscapes_mtl

pytestmark = pytest.mark.one_backend

# As the labels' table in Cityscapes' own scripts has them.
TRAIN_IDS = {
    **{7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11},
    **{25: 12, 26: 13, 27: 14, 28: 15, 31: 16, 32: 17, 33: 18},
}
CATEGORY_OF_TRAIN_ID = (0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 5, 6, 6, 6, 6, 6, 6)


@pytest.fixture
def files(tmp_path, rng, monkeypatch):
    shrink_cityscapes(monkeypatch)
    return tmp_path, write_cityscapes(tmp_path, rng)


def expected_classes(labels, num_classes):
    classes = np.full(labels.shape, 255, "uint8")
    for label, train_id in TRAIN_IDS.items():
        classes[labels == label] = train_id if num_classes == 19 else CATEGORY_OF_TRAIN_ID[train_id]
    return classes


@pytest.mark.parametrize("num_classes", [7, 19])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_what_is_read(files, split, num_classes):
    folder, truth = files[0], files[1][split]
    data = cityscapes_mtl.load(split, folder, num_classes=num_classes)
    data = {name: np.asarray(values) for name, values in data.items()}
    np.testing.assert_array_equal(data["image"], truth["image"])
    np.testing.assert_array_equal(
        data["segmentation"], expected_classes(truth["labels"], num_classes)
    )
    assert (data["segmentation"][:, 0, :2] == 255).all()
    assert len(np.unique(data["segmentation"])) == num_classes + 1
    assert {name: values.dtype.name for name, values in data.items()} == {
        **{"image": "uint8", "segmentation": "uint8", "instances": "uint16"},
        **{"depth": "float32", "inverse_depth": "float32", "disparity": "float32"},
    }
    disparity = np.where(truth["disparity"] > 0, (truth["disparity"] - 1.0) / 256, 0)
    np.testing.assert_allclose(data["disparity"], disparity, rtol=1e-6)
    known = disparity > 0
    assert not known[:, 1, :2].any() and 0.7 < known.mean() < 0.9
    metres = (truth["baseline"] * truth["focal_length"])[:, None, None] / np.where(
        known, disparity, 1
    )
    np.testing.assert_allclose(data["depth"], np.where(known, metres, 0), rtol=1e-6)
    np.testing.assert_allclose(data["inverse_depth"], np.where(known, 1 / metres, 0), rtol=1e-6)


def test_names_of_classes():
    assert len(cityscapes_mtl.CLASSES_19) == 19 and len(cityscapes_mtl.CLASSES_7) == 7
    assert cityscapes_mtl.CLASSES_19[13:] == (
        "car",
        "truck",
        "bus",
        "train",
        "motorcycle",
        "bicycle",
    )
    assert cityscapes_mtl.CLASSES_7[0] == "flat" and cityscapes_mtl.CLASSES_7[-1] == "vehicle"


def test_instances(files):
    folder, truth = files[0], files[1]["train"]
    for values, numbers in zip(
        truth["instances"], cityscapes_mtl.load("train", folder)["instances"], strict=True
    ):
        assert ((numbers > 0) == (values >= 1000)).all()
        # One number for each object, from 1 on, in the order of the values.
        pairs = sorted(set(zip(values[values >= 1000], numbers[values >= 1000], strict=True)))
        assert [number for _, number in pairs] == list(range(1, len(pairs) + 1))
        assert [value for value, _ in pairs] == sorted(set(values[values >= 1000]))


def test_scaled(files):
    folder, truth = files[0], files[1]["train"]
    data = cityscapes_mtl.load("train", folder, shortest_side=16, num_images=2)
    assert data["image"].shape == (2, 16, 32, 3)
    small = {name: truth[name][:2, 1::2, 1::2] for name in ("labels", "instances", "disparity")}
    np.testing.assert_array_equal(data["segmentation"], expected_classes(small["labels"], 19))
    # A depth does not depend on the size that its picture is scaled to.
    depth = np.asarray(cityscapes_mtl.load("train", folder, num_images=2)["depth"])
    np.testing.assert_array_equal(data["depth"], depth[:, 1::2, 1::2])
    np.testing.assert_allclose(
        data["disparity"], np.maximum(small["disparity"].astype(float) - 1, 0) / 256, rtol=1e-6
    )
    # Objects that the scaled picture does not show have no number.
    first = data["instances"][0]
    assert first.max() == len(set(small["instances"][0][small["instances"][0] >= 1000]))


def test_16_bits_as_older_versions_of_pillow_open_them(files, monkeypatch):
    folder, _ = files
    expected = cityscapes_mtl.load("train", folder)
    expected = {name: np.asarray(expected[name]) for name in ("depth", "instances")}

    def open_picture(file, open_picture=_scaling.open_picture):
        image = open_picture(file)
        return image.convert("I") if image.mode == "I;16" else image

    for module in (_scaling, _published):
        monkeypatch.setattr(module, "open_picture", open_picture)
    data = cityscapes_mtl.load("train", folder, cache_dir=folder / "anew")
    for name, values in expected.items():
        assert values.max() > 0 and data[name].dtype == values.dtype
        np.testing.assert_array_equal(data[name], values)


def test_batches(files):
    folder, truth = files[0], files[1]["train"]
    batches = cityscapes_mtl.load("train", folder, as_arrays=False, batch_size=2)
    images, targets = batches[0]
    np.testing.assert_array_equal(images, truth["image"][batches.order()[:2]])
    assert set(targets) == {"segmentation", "depth"} and batches.shuffle
    assert targets["segmentation"].dtype == "int32"
    tasks = ("inverse_depth", "instances")
    validation = cityscapes_mtl.load("validation", folder, as_arrays=False, tasks=tasks)
    assert not validation.shuffle and set(validation[0][1]) == set(tasks)


def test_arguments(tmp_path):
    with pytest.raises(ValueError, match="`split` must be .*validation.*Received: split='test'"):
        cityscapes_mtl.load("test", tmp_path)
    with pytest.raises(ValueError, match=r"`num_classes` .* \[7, 19\]. Received: num_classes=34"):
        cityscapes_mtl.load("train", tmp_path, num_classes=34)
    with pytest.raises(FileNotFoundError, match=r"`data_dir` must be .* no .*none(.|\n)*gtFine_tr"):
        cityscapes_mtl.load("train", tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="hold 'leftImg8bit', .*leftImg8bit_trainvaltest"):
        cityscapes_mtl.load("train", tmp_path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("leftImg8bit.png", "RGB of 32×64 pixels. Received: L of 32×63"),
        ("gtFine_labelIds.png", "L of 32×64 pixels. Received: L of 32×63"),
        ("gtFine_instanceIds.png", "I;16 or I of 32×64 pixels. Received: L of 32×63"),
        ("disparity.png", "I;16 or I of 32×64 pixels. Received: L of 32×63"),
        ("camera.json", "must be a whole JSON file with the numbers extrinsic.baseline"),
    ],
)
def test_files_that_are_missing_renamed_cut_or_of_another_size(files, kind, message):
    folder, _ = files
    name = NAMES["validation"][1]
    path = file_of(folder, kind, "validation", name)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=f"{path.name} must be a whole"):
        cityscapes_mtl.load("train", folder)
    Image.new("L", (63, 32)).save(path, "png")
    with pytest.raises(ValueError, match=message):
        cityscapes_mtl.load("train", folder)
    path.rename(path.with_name(f"{path.name}.old"))
    message = f"must hold '{path.name}', of .*_trainvaltest.zip.* Received: no {path}"
    with pytest.raises(FileNotFoundError, match=message):
        cityscapes_mtl.load("train", folder)
    path.write_bytes(content)
    assert len(cityscapes_mtl.load("validation", folder)["image"]) == len(NAMES["validation"])


def test_contents_that_are_not_as_published(files):
    folder, truth = files
    name = NAMES["train"][0]
    path = file_of(folder, "gtFine_labelIds.png", "train", name)
    labels = truth["train"]["labels"][0].copy()
    labels[3, 4] = 34
    Image.fromarray(labels).save(path)
    with pytest.raises(ValueError, match=f"{path.name} must hold labels from 0 to 33, or 255.*34"):
        cityscapes_mtl.load("train", folder)
    Image.fromarray(truth["train"]["labels"][0]).save(path)
    camera = file_of(folder, "camera.json", "train", name)
    content = camera.read_text()
    camera.write_text(content.replace('"fx"', '"fz"'))
    with pytest.raises(ValueError, match="camera.json must be .*intrinsic.fx: KeyError"):
        cityscapes_mtl.load("train", folder)
    camera.write_text('{"extrinsic": {"baseline": 0}, "intrinsic": {"fx": 2262}}')
    with pytest.raises(ValueError, match="camera.json: .*must be positive. Received: .0.0, 2262"):
        cityscapes_mtl.load("train", folder)
    camera.write_text(content)
    for kind in ("leftImg8bit.png", "gtFine_labelIds.png"):
        file_of(folder, kind, "train", name).unlink()
    with pytest.raises(ValueError, match="leftImg8bit/train must hold 3 pictures.* Received: 2"):
        cityscapes_mtl.load("train", folder)
