"""VOC 2008 with attributes, from a folder in the published format."""

import pickle

import numpy as np
import pytest
from PIL import Image
from published_files.voc2008_attributes import (
    AYAHOO_PICTURES,
    ON,
    PICTURES,
    shrink_voc2008_attributes,
    write_voc2008_attributes,
)

from keras_mtl.boxes import check_boxes
from keras_mtl.datasets import RoIBatches, RoISampling, _scaling, voc2008_attributes
from keras_mtl.datasets.voc2008_attributes import ATTRIBUTES, AYAHOO_CLASSES, CLASSES, load

pytestmark = pytest.mark.one_backend


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shrink_voc2008_attributes(monkeypatch)
    write_voc2008_attributes(tmp_path)
    return tmp_path


def test_vocabulary():
    assert len(CLASSES) == 20 and list(CLASSES) == sorted(CLASSES)
    assert len(ATTRIBUTES) == len(set(ATTRIBUTES)) == 64
    assert len(AYAHOO_CLASSES) == 12 and not set(AYAHOO_CLASSES) & set(CLASSES)
    assert ATTRIBUTES[0] == "2D Boxy" and ATTRIBUTES[63] == "Leather"


def test_what_is_read(folder):
    data = load("train", folder)
    assert data["names"] == list(PICTURES)
    assert [image.shape for image in data["image"]] == [(40, 50, 3), (60, 30, 3)]
    assert abs(data["image"][1].astype(int) - (120, 60, 0)).max() <= 3
    # Pixels from 1 to 50 inclusive are 0 to 50 exclusive.
    expected = [[4, 2, 24, 32], [20, 0, 50, 40], [1, 1, 9, 9], [24, 2, 44, 32]]
    np.testing.assert_array_equal(data["boxes"][0], expected)
    np.testing.assert_array_equal(data["boxes"][1], [[0, 0, 30, 60]])
    assert [CLASSES[label - 1] for label in data["classes"][0]] == ["dog", "person", "cat", "dog"]
    assert data["difficult"][0].tolist() == [True, False, True, True]
    assert data["difficult"][1].tolist() == [False]
    found = [set(np.flatnonzero(attributes == 1)) for attributes in data["attributes"][0]]
    assert found == [ON["dog"], ON["person"], set(), set()]
    unknown = (data["attributes"][0] == -1).mean(axis=1)
    np.testing.assert_array_equal(unknown, [0, 0, 1, 1])  # those of the annotation alone
    test = load("test", folder)
    assert test["names"] == ["2008_000015.jpg"] and len(test["image"]) == 1
    first = load("train", folder, num_images=1)
    assert {name: len(values) for name, values in first.items()} == dict.fromkeys(data, 1)


def test_dtypes(folder):
    data = load("train", folder, shortest_side=7)
    dtypes = {"image": "uint8", "boxes": "float32", "classes": "int32", "attributes": "int8"}
    for name, dtype in (dtypes | {"difficult": "bool"}).items():
        assert all(values.dtype == dtype for values in data[name])
    assert [values.shape for values in data["attributes"]] == [(4, 64), (1, 64)]


def test_ayahoo(folder):
    """Its classes are counted anew; nothing is difficult; grey pictures come in three channels."""
    (folder / "VOCdevkit").rename(folder / "elsewhere")
    data = load("ayahoo", folder)
    assert data["names"] == list(AYAHOO_PICTURES)
    assert [image.shape for image in data["image"]] == [(30, 20, 3), (20, 40, 3)]
    assert [image.mean() for image in data["image"]] == [80, 80]
    np.testing.assert_array_equal(data["boxes"][0], [[0, 1, 20, 30]])
    np.testing.assert_array_equal(data["boxes"][1], [[2, 3, 9, 20], [39, 19, 40, 20]])
    assert [AYAHOO_CLASSES[label - 1] for label in data["classes"][1]] == ["wolf", "jetski"]
    found = [set(np.flatnonzero(attributes)) for attributes in data["attributes"][1]]
    assert found == [ON["wolf"], ON["jetski"]]
    assert not np.concatenate(data["difficult"]).any()
    boxes = load("ayahoo", folder, longest_side=10)["boxes"]
    np.testing.assert_allclose(boxes[1], data["boxes"][1] / 4)


@pytest.mark.parametrize(
    "name", ["ayahoo_test_images/wolf_7.jpg", "attribute_data/ayahoo_test.txt"]
)
def test_only_ayahoo_needs_its_files(name, folder):
    (folder / name).unlink()
    assert len(load("train", folder)["image"]) == 2
    source = "Describing Objects by their Attributes"
    with pytest.raises(FileNotFoundError, match=f"must hold .*{source}.*{name}"):
        load("ayahoo", folder)


def test_pictures_are_read_where_they_are_asked_for(folder, monkeypatch):
    """Not for the annotations, nor for their scale."""
    load("train", folder)
    (folder / "VOCdevkit").rename(folder / "elsewhere")
    reads = []
    monkeypatch.setattr(_scaling.Scaling, "picture", lambda self, encoded: reads.append(encoded))
    data = load("train", folder, shortest_side=30)
    assert not reads
    data["image"][1]
    published = folder / "elsewhere" / "VOC2008" / "JPEGImages" / "2008_000015.jpg"
    assert reads == [published.read_bytes()]


def test_scaled_boxes_keep_to_their_pictures(folder):
    whole = load("train", folder)
    data = load("train", folder, shortest_side=60, longest_side=100)
    assert [image.shape for image in data["image"]] == [(60, 75, 3), (100, 50, 3)]
    np.testing.assert_allclose(data["boxes"][0], whole["boxes"][0] * 1.5)
    for boxes, image in zip(data["boxes"], data["image"], strict=True):
        np.testing.assert_allclose(check_boxes(boxes, size=image.shape[:2]), boxes, rtol=1e-6)


def batches(data, **options):
    columns = {**data, "proposals": data["boxes"]}
    options = {"pad_to": (60, 50), "shuffle": False, **options}
    return RoIBatches(columns, sampling=RoISampling(num_rois=8), **options)


def test_feeds_a_detector(folder):
    made = batches(load("train", folder))
    inputs, targets = made[0]
    assert inputs["image"].shape == (2, 60, 50, 3) and made.num_attributes == 64
    person = CLASSES.index("person") + 1
    # The other boxes are difficult: neither learned nor background.
    assert set(targets["detection_classes"].ravel()) == {-1, person}


def test_batches_travel_to_workers(folder):
    """As they do between processes, by pickling, and in threads."""
    data = load("train", folder, shortest_side=20)
    expected = batches(data, batch_size=1)
    pickled = pickle.loads(pickle.dumps(expected))
    threads = batches(data, batch_size=1, workers=2)
    for index in range(2):
        for made in (pickled, threads):
            inputs, targets = made[index]
            np.testing.assert_array_equal(inputs["image"], expected[index][0]["image"])
            np.testing.assert_array_equal(targets["attributes"], expected[index][1]["attributes"])


@pytest.mark.parametrize(
    "name, source",
    [
        ("attribute_data/apascal_train.txt", "Describing Objects by their Attributes"),
        ("attribute_data/attribute_names.txt", "Describing Objects by their Attributes"),
        ("attribute_data/class_names.txt", "Describing Objects by their Attributes"),
        ("VOCdevkit/VOC2008/JPEGImages/2008_000015.jpg", "VOC Challenge 2008"),
        ("VOCdevkit/VOC2008/Annotations/2008_000015.xml", "VOC Challenge 2008"),
    ],
)
def test_missing_files_say_where_they_are_from(name, source, folder):
    (folder / name).rename(folder / "elsewhere")
    with pytest.raises(FileNotFoundError, match=f"{source}.*{name}"):
        load("train", folder)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("dog 5 3 24 32", "dog 5 3 24", r"apascal_train.txt, line 1, must hold 70 values.*69"),
        ("person 1 1", "unicorn 1 1", "apascal_train.txt, line 3, must name a class.*'unicorn'"),
        ("person 1 1", "person 31 1", "line 3, must hold corners with xmax >= xmin.*'31'"),
        ("person 1 1", "person one 1", "line 3, must hold four corners.*'one'"),
        ("person 1 1", "person nan 1", "line 3, must hold corners.*'nan'"),
        ("person 21 1 50 40 0", "person 21 1 50 40 2", "line 2, must hold attributes.*'2'"),
    ],
)
def test_damaged_rows(old, new, message, folder):
    path = folder / "attribute_data" / "apascal_train.txt"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ValueError, match=message):
        load("train", folder)


def test_other_damage(folder):
    with pytest.raises(ValueError, match="`split` must be one of.*'val'"):
        load("val", folder)
    annotations = folder / "VOCdevkit" / "VOC2008" / "Annotations" / "2008_000008.xml"
    text = annotations.read_text()
    annotations.write_text(text[:-20])
    with pytest.raises(ValueError, match="2008_000008.xml must be a whole XML file"):
        load("train", folder)
    for encoding in ("no-such", "utf-32", "base64", "punycode", "idna"):
        annotations.write_text(f'<?xml version="1.0" encoding="{encoding}"?>{text}')
        with pytest.raises(ValueError, match="2008_000008.xml must be a whole XML file"):
            load("train", folder)
    annotations.write_text(text.replace("cat", "griffin"))
    with pytest.raises(ValueError, match="2008_000008.xml, object 2, must name a class.*'griffin'"):
        load("train", folder)
    annotations.write_text(text.replace("<xmin>2</xmin>", ""))
    with pytest.raises(ValueError, match="object 2, must hold four corners.*None"):
        load("train", folder)
    names = folder / "attribute_data" / "attribute_names.txt"
    names.write_text(names.read_text().replace("Beak", "Bill"))
    with pytest.raises(ValueError, match="attribute_names.txt, line 8, must be 'Beak'.*'Bill'"):
        load("train", folder)
    names.write_text("2D Boxy\n")
    with pytest.raises(ValueError, match="must hold 64 names. Received: 1"):
        load("train", folder)


def test_other_names_of_classes(folder):
    path = folder / "attribute_data" / "class_names.txt"
    names = path.read_text().split()
    path.write_text("\n".join(sorted(names)))
    load("test", folder)
    for wrong in (names[:-1], [*names[:-1], "cart"], [*names, "carriage"]):
        path.write_text("\n".join(wrong))
        with pytest.raises(ValueError, match=f"class_names.txt must hold 32 .*: {len(wrong)}, "):
            load("test", folder, cache_dir=folder / "anew")


@pytest.mark.parametrize("split, count", [("train", 3), ("test", 1), ("ayahoo", 3)])
def test_files_that_are_cut_or_longer(split, count, folder):
    name = {"ayahoo": "ayahoo_test"}.get(split, f"apascal_{split}")
    path = folder / "attribute_data" / f"{name}.txt"
    lines = path.read_text().splitlines()
    for wrong in (lines[:-1], lines + lines[-1:]):
        path.write_text("\n".join(wrong) + "\n")
        message = f"{name}.txt must hold {count} objects, .*: {len(wrong)}"
        with pytest.raises(ValueError, match=message):
            load(split, folder)


def test_damaged_pictures(folder):
    path = folder / "VOCdevkit" / "VOC2008" / "JPEGImages" / "2008_000015.jpg"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match="2008_000015.jpg must be a whole picture"):
        load("train", folder)
    Image.new("RGB", (60, 30)).save(path)
    load("train", folder, cache_dir=folder / "sideways")  # Its box sticks out, but lies within.
    path = path.with_name("2008_000008.jpg")
    Image.new("RGB", (24, 40)).save(path)
    with pytest.raises(ValueError, match="`boxes of 2008_000008.jpg` must overlap .*40, 24"):
        load("train", folder)


def test_is_part_of_the_package():
    assert voc2008_attributes.load is load
