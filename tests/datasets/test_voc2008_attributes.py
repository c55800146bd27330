"""VOC 2008 with attributes, from a folder in the published format."""

import builtins

import numpy as np
import pytest

from keras_mtl.boxes import check_boxes
from keras_mtl.datasets import ImageFiles, RoIBatches, voc2008_attributes
from keras_mtl.datasets.voc2008_attributes import ATTRIBUTES, CLASSES, load

Image = pytest.importorskip("PIL.Image")

ON = {"dog": {6, 8, 60}, "person": {13, 14}}

# Of each picture: size (w, h); rows of the attribute file; objects of the annotation.
PICTURES = {
    "2008_000008.jpg": (
        (50, 40),
        [("dog", (5, 3, 24, 32)), ("person", (21, 1, 50, 40))],
        # The dog a pixel off and difficult; a cat that has no attributes; another dog.
        [
            ("person", (21, 1, 50, 40), 0),
            ("cat", (2, 2, 9, 9), 0),
            ("dog", (25, 3, 44, 32), 0),
            ("dog", (5, 4, 24, 32), 1),
        ],
    ),
    "2008_000015.jpg": ((30, 60), [("person", (1, 1, 30, 60))], [("person", (1, 1, 30, 60), 0)]),
}


def row(name, label, box):
    attributes = [str(int(number in ON[label])) for number in range(64)]
    return " ".join([name, label, *map(str, box), *attributes])


def annotation(objects):
    parts = [
        f"<object><name>{label}</name><difficult>{difficult}</difficult><bndbox>"
        f"<ymax>{y2}</ymax><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax></bndbox></object>"
        for label, (x1, y1, x2, y2), difficult in objects
    ]
    return f"<annotation>{''.join(parts)}</annotation>"


@pytest.fixture
def folder(tmp_path):
    for name in ("attribute_data", "VOCdevkit/VOC2008/JPEGImages", "VOCdevkit/VOC2008/Annotations"):
        (tmp_path / name).mkdir(parents=True)
    voc, rows = tmp_path / "VOCdevkit" / "VOC2008", []
    for number, (name, (size, objects, annotated)) in enumerate(PICTURES.items()):
        Image.new("RGB", size, (100 * number + 20, 60, 0)).save(voc / "JPEGImages" / name)
        path = (voc / "Annotations" / name).with_suffix(".xml")
        path.write_text(annotation(annotated))
        rows += [row(name, *each) for each in objects]
    (tmp_path / "attribute_data" / "apascal_train.txt").write_text("\n".join(rows) + "\n")
    (tmp_path / "attribute_data" / "apascal_test.txt").write_text(rows[-1] + "\n")
    names = tmp_path / "attribute_data" / "attribute_names.txt"
    names.write_text("".join(f"{name}\n" for name in ATTRIBUTES))
    return tmp_path


def test_vocabulary():
    assert len(CLASSES) == 20 and list(CLASSES) == sorted(CLASSES)
    assert len(ATTRIBUTES) == len(set(ATTRIBUTES)) == 64
    assert ATTRIBUTES[0] == "2D Boxy" and ATTRIBUTES[63] == "Leather"


def test_what_is_read(folder):
    data = load("train", folder)
    assert [path.rsplit("/", 1)[-1] for path in data["paths"]] == list(PICTURES)
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
    assert len(load("test", folder)["image"]) == 1


def test_scaled_boxes_keep_to_their_pictures(folder):
    whole = load("train", folder)
    data = load("train", folder, shortest_side=60, longest_side=100)
    assert [image.shape for image in data["image"]] == [(60, 75, 3), (100, 50, 3)]
    np.testing.assert_allclose(data["boxes"][0], whole["boxes"][0] * 1.5)
    for boxes, image in zip(data["boxes"], data["image"], strict=True):
        np.testing.assert_allclose(check_boxes(boxes, size=image.shape[:2]), boxes, rtol=1e-6)


def test_feeds_a_detector(folder):
    data = load("train", folder)
    names = ("boxes", "classes", "attributes")
    batches = RoIBatches(
        data["image"],
        *(data[name] for name in names),
        proposals=data["boxes"],
        difficult=data["difficult"],
        pad_to=(60, 50),
        shuffle=False,
        rois_per_image=8,
    )
    inputs, targets = batches[0]
    assert inputs["image"].shape == (2, 60, 50, 3) and batches.num_attributes == 64
    person = CLASSES.index("person") + 1
    # The other boxes are difficult: neither learned nor background.
    assert set(targets["detection_classes"].ravel()) == {-1, person}


@pytest.mark.parametrize(
    "name, source",
    [
        ("attribute_data/apascal_train.txt", "Describing Objects by their Attributes"),
        ("attribute_data/attribute_names.txt", "Describing Objects by their Attributes"),
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
    (folder / "attribute_data" / "apascal_train.txt").write_text("\n")
    names.write_text("\n".join(ATTRIBUTES))
    with pytest.raises(ValueError, match="must hold objects"):
        load("train", folder)


def test_image_files(tmp_path):
    """Grey pictures become RGB; sizes follow the sides, the longer one first."""
    path = tmp_path / "grey.png"
    Image.fromarray(np.arange(200, dtype="uint8").reshape(10, 20)).save(path)
    image = ImageFiles([path])[0]
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, np.arange(200).reshape(10, 20, 1).repeat(3, axis=2))
    for sides, shape in {
        (5, None): (5, 10),
        (30, 40): (20, 40),
        (None, 8): (4, 8),
        (15, 99): (15, 30),
    }.items():
        images = ImageFiles([path], *sides)
        assert images[0].shape == (*shape, 3)
        np.testing.assert_allclose(images.scales, shape[0] / 10)
    with pytest.raises(ValueError, match="shortest_side=0"):
        ImageFiles([path], 0)
    with pytest.raises(FileNotFoundError):
        ImageFiles([tmp_path / "none.png"])[0]


def test_without_pillow(monkeypatch):
    original = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"keras-mtl\[detection\]"):
        ImageFiles(["some.jpg"])[0]


def test_is_part_of_the_package():
    assert voc2008_attributes.load is load
