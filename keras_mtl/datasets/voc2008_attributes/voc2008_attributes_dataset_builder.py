"""aPascal and aYahoo for TFDS, from the files as they are published."""

from functools import partial

import numpy as np
import tensorflow_datasets as tfds

from keras_mtl.boxes import check_boxes

from .._existing import existing
from .._manual_builder import ManualBuilder, encoded
from .._published import checked_picture
from .._scaling import open_picture
from .annotations import merge, read_annotation, read_lines, read_objects
from .classes import ATTRIBUTES, AYAHOO_CLASSES, CLASSES

COUNTS = {"train": 6340, "test": 6355, "ayahoo": 2644}
"""Objects in each file of attributes."""

FILES = {"train": "apascal_train.txt", "test": "apascal_test.txt", "ayahoo": "ayahoo_test.txt"}
PROJECT = (
    "of the project page 'Describing Objects by their Attributes' (Farhadi et al., University of "
    "Illinois)"
)
ATTRIBUTE_DATA = f"of attribute_data.tar.gz, {PROJECT}"
AYAHOO = f"of ayahoo_test_images.tar.gz, {PROJECT}"
VOC = "of the training and validation data of the PASCAL VOC Challenge 2008"

# What aYahoo's pictures, which are of the web, may be saved as.
MODES = ("RGB", "L", "CMYK", "P")


class Builder(ManualBuilder):
    """Pictures with their objects; aYahoo, a configuration of its own, needs files of its own."""

    SHARD_ROWS = 500

    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name="apascal", description="Pictures of VOC 2008."),
        tfds.core.BuilderConfig(name="ayahoo", description="Pictures of other classes."),
    ]

    def _features(self):
        tensor = tfds.features.Tensor
        return {
            "image": encoded(encoding="jpeg"),
            "name": tfds.features.Text(),
            # Height and width, for scaling boxes without decoding the picture.
            "size": tensor(shape=(2,), dtype=np.int32),
            # In pixels of the picture, from 0, (x2, y2) exclusive.
            "boxes": tensor(shape=(None, 4), dtype=np.float32),
            "classes": tensor(shape=(None,), dtype=np.int32),
            "attributes": tensor(shape=(None, len(ATTRIBUTES)), dtype=np.int8),
            "difficult": tensor(shape=(None,), dtype=np.bool_),
        }

    def _splits(self, folder):
        check_names(folder / "attribute_data")
        is_ayahoo = self.builder_config.name == "ayahoo"
        objects = {
            split: read_objects(
                existing(folder / "attribute_data" / FILES[split], ATTRIBUTE_DATA),
                AYAHOO_CLASSES if is_ayahoo else CLASSES,
                COUNTS[split],
            )
            for split in (("ayahoo",) if is_ayahoo else ("train", "test"))
        }
        example = partial(_ayahoo if is_ayahoo else _apascal, folder)
        return {split: (list(pictures.items()), example) for split, pictures in objects.items()}


def check_names(folder):
    """Raises ValueError unless the published names are those that the numbers stand for."""
    path = existing(folder / "attribute_names.txt", ATTRIBUTE_DATA)
    names = read_lines(path)
    for (place, name), expected in zip(names, ATTRIBUTES, strict=False):
        if name != expected:
            raise ValueError(f"{place} must be {expected!r}. Received: {name!r}.")
    if len(names) != len(ATTRIBUTES):
        raise ValueError(f"{path} must hold {len(ATTRIBUTES)} names. Received: {len(names)}.")
    path = existing(folder / "class_names.txt", ATTRIBUTE_DATA)
    # Rows give classes by name: the order of this file is of no account.
    names, expected = [name for _, name in read_lines(path)], [*CLASSES, *AYAHOO_CLASSES]
    if sorted(names) != sorted(expected):
        different = sorted(set(names) ^ set(expected))
        raise ValueError(
            f"{path} must hold {len(expected)} names, {', '.join(expected)}. "
            f"Received: {len(names)}, and different are {different}."
        )


def _apascal(folder, picture):
    (name, rows), voc = picture, folder / "VOCdevkit" / "VOC2008"
    path = existing(voc / "JPEGImages" / name, VOC)
    annotation = existing((voc / "Annotations" / name).with_suffix(".xml"), VOC)
    return _example(path, merge(rows, read_annotation(annotation, CLASSES)))


def _ayahoo(folder, picture):
    name, rows = picture
    path = existing(folder / "ayahoo_test_images" / name, AYAHOO)
    return _example(path, merge(rows, []))


def _example(path, objects):
    """A picture with its objects (class, corners, attributes, difficult)."""
    image = checked_picture(path, MODES)
    with open_picture(path) as opened:
        size = opened.size[::-1]
    classes, corners, attributes, difficult = zip(*objects, strict=True)
    # Pixels count from 1 (a corner of 0 is the first one, too), and the last belongs to the box.
    boxes = (np.maximum(corners, 1) - [1, 1, 0, 0]).astype("float32")
    check_boxes(boxes, f"boxes of {path.name}", size)
    return {
        "image": image,
        "name": path.name,
        "size": np.array(size, "int32"),
        "boxes": boxes,
        "classes": np.array(classes, "int32"),
        "attributes": np.array(attributes, "int8"),
        "difficult": np.array(difficult, bool),
    }
