"""VOC 2008 with the attributes of aPascal: objects with a box, a class and 64 attributes."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from .image_files import ImageFiles

CLASSES = (
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
ATTRIBUTES = (
    "2D Boxy",
    "3D Boxy",
    "Round",
    "Vert Cyl",
    "Horiz Cyl",
    "Occluded",
    "Tail",
    "Beak",
    "Head",
    "Ear",
    "Snout",
    "Nose",
    "Mouth",
    "Hair",
    "Face",
    "Eye",
    "Torso",
    "Hand",
    "Arm",
    "Leg",
    "Foot/Shoe",
    "Wing",
    "Propeller",
    "Jet engine",
    "Window",
    "Row Wind",
    "Wheel",
    "Door",
    "Headlight",
    "Taillight",
    "Side mirror",
    "Exhaust",
    "Pedal",
    "Handlebars",
    "Engine",
    "Sail",
    "Mast",
    "Text",
    "Label",
    "Furn. Leg",
    "Furn. Back",
    "Furn. Seat",
    "Furn. Arm",
    "Horn",
    "Rein",
    "Saddle",
    "Leaf",
    "Flower",
    "Stem/Trunk",
    "Pot",
    "Screen",
    "Skin",
    "Metal",
    "Plastic",
    "Wood",
    "Cloth",
    "Furry",
    "Glass",
    "Feather",
    "Wool",
    "Clear",
    "Shiny",
    "Vegetation",
    "Leather",
)

_SPLITS = ("train", "test")
_SOURCES = {
    "attribute_data": "the attributes of the project page 'Describing Objects by their Attributes' "
    "(Farhadi et al., University of Illinois)",
    "VOCdevkit": "the training and validation data of the PASCAL VOC Challenge 2008",
}


def load(split, data_dir, *, shortest_side=None, longest_side=None):
    """Reads aPascal from a folder: pictures of VOC 2008, boxes, classes and attributes.

    The folder holds what the two archives unpack to:

    - `attribute_data/`: `apascal_train.txt`, `apascal_test.txt` and `attribute_names.txt`, from
      the project page "Describing Objects by their Attributes".
    - `VOCdevkit/VOC2008/`: `JPEGImages` and `Annotations`, from the PASCAL VOC Challenge 2008.

    The attribute files list objects, one a row; what is difficult is in VOC's own annotations,
    where an object is found by its class and box (within a pixel). Objects that are annotated
    there alone have no known attributes: they come as difficult, all attributes -1, so that they
    are neither learned from nor held against a detector that finds them.

    Args:
        split: "train" or "test", the two of aPascal.
        data_dir: The folder.
        shortest_side, longest_side: Sizes that pictures and boxes are scaled to, in pixels, as of
            `ImageFiles`.

    Returns:
        A dict of the N pictures that have an object in the split, in the order of its file:

        - `image`: `ImageFiles`, read picture by picture.
        - `boxes`: list of float32 (K, 4): x1, y1, x2, y2 in pixels of the scaled picture, from 0,
          (x2, y2) exclusive.
        - `classes`: list of int32 (K,), 1..20: `CLASSES[c - 1]`.
        - `attributes`: list of int8 (K, 64), 0, 1 or -1, in the order of `ATTRIBUTES`.
        - `difficult`: list of bool (K,).
        - `paths`: list of the N files.

    Raises:
        FileNotFoundError: A file is missing; the error says where it is from.
        ValueError: `split` is another, or a file is not as published; the error gives file and
            line.

    Source: Farhadi et al., Describing Objects by their Attributes, CVPR 2009; Everingham et al.,
    The PASCAL Visual Object Classes Challenge 2008.

    Example:

    ```python
    train = voc2008_attributes.load("train", "data", shortest_side=600, longest_side=1000)
    CLASSES[train["classes"][0][0] - 1], train["boxes"][0][0]
    ```
    """
    if split not in _SPLITS:
        raise ValueError(f"`split` must be one of {list(_SPLITS)}. Received: {split!r}.")
    data_dir = Path(data_dir)
    attribute_data, voc = data_dir / "attribute_data", data_dir / "VOCdevkit" / "VOC2008"
    _check_names(attribute_data / "attribute_names.txt")
    objects = _read_objects(attribute_data / f"apascal_{split}.txt")
    paths = [_existing(voc / "JPEGImages" / name) for name in objects]
    images = ImageFiles(paths, shortest_side, longest_side)
    result = {"image": images, "boxes": [], "classes": [], "attributes": [], "difficult": []}
    for (name, rows), scale in zip(objects.items(), images.scales, strict=True):
        annotated = _read_annotation((voc / "Annotations" / name).with_suffix(".xml"))
        corners, classes, attributes, difficult = _merge(rows, annotated)
        # VOC counts pixels from 1, and its last pixel belongs to the box.
        boxes = np.array(corners, "float32") - np.array([1, 1, 0, 0], "float32")
        result["boxes"].append(boxes * scale)
        result["classes"].append(np.array(classes, "int32"))
        result["attributes"].append(np.array(attributes, "int8"))
        result["difficult"].append(np.array(difficult, bool))
    return {**result, "paths": [str(path) for path in paths]}


def _existing(path):
    if not path.is_file():
        folder = next(name for name in _SOURCES if name in path.parts)
        raise FileNotFoundError(
            f"`data_dir` must hold {_SOURCES[folder]}, unpacked as `{folder}`. Received: no {path}."
        )
    return path


def _lines(path):
    """(Place for errors, text) of the lines of a file that are not empty."""
    lines = enumerate(_existing(path).read_text().splitlines(), 1)
    return [(f"{path}, line {number},", line.strip()) for number, line in lines if line.strip()]


def _check_names(path):
    lines = _lines(path)
    for (place, name), expected in zip(lines, ATTRIBUTES, strict=False):
        if name != expected:
            raise ValueError(f"{place} must be {expected!r}. Received: {name!r}.")
    if len(lines) != len(ATTRIBUTES):
        raise ValueError(f"{path} must hold {len(ATTRIBUTES)} names. Received: {len(lines)}.")


def _read_objects(path):
    """A dict from a picture's file to its objects (class, corners, attributes)."""
    objects, length = {}, 6 + len(ATTRIBUTES)
    for place, line in _lines(path):
        values = line.split()
        if len(values) != length:
            raise ValueError(f"{place} must hold {length} values. Received: {len(values)}.")
        name, label, corners, attributes = values[0], values[1], values[2:6], values[6:]
        if not set(attributes) <= {"0", "1"}:
            wrong = next(value for value in attributes if value not in ("0", "1"))
            raise ValueError(f"{place} must hold attributes of 0 or 1. Received: {wrong!r}.")
        row = _class(label, place), _corners(corners, place), [int(value) for value in attributes]
        objects.setdefault(name, []).append(row)
    if not objects:
        raise ValueError(f"{path} must hold objects, one a line. Received: none.")
    return objects


def _class(label, place):
    if label not in CLASSES:
        raise ValueError(f"{place} must name a class of VOC 2008. Received: {label!r}.")
    return CLASSES.index(label) + 1


def _corners(texts, place):
    try:
        x1, y1, x2, y2 = corners = [float(text) for text in texts]
    except (TypeError, ValueError) as error:
        raise ValueError(f"{place} must hold four corners. Received: {texts}.") from error
    if not (0 <= x1 <= x2 < np.inf and 0 <= y1 <= y2 < np.inf):
        raise ValueError(
            f"{place} must hold corners with xmax >= xmin and ymax >= ymin. Received: {texts}."
        )
    return corners


def _read_annotation(path):
    """The objects (class, corners, difficult) of a picture in VOC's own annotation."""
    try:
        root = ElementTree.parse(_existing(path)).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{path} must be a whole XML file. Received: {error}.") from error
    objects = []
    for number, element in enumerate(root.iter("object"), 1):
        place = f"{path}, object {number},"
        corners = [element.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
        difficult = (element.findtext("difficult") or "0").strip() == "1"
        label = _class((element.findtext("name") or "").strip(), place)
        objects.append((label, _corners(corners, place), difficult))
    return objects


def _merge(rows, annotated):
    """Corners, classes, attributes and difficulty of a picture's objects."""
    annotated, merged = list(annotated), []
    for label, corners, attributes in rows:
        same = (
            each
            for each in annotated
            if each[0] == label and np.abs(np.subtract(each[1], corners)).max() <= 1
        )
        match = next(same, None)
        if match is not None:
            annotated.remove(match)
        merged.append((corners, label, attributes, match is not None and match[2]))
    unknown = [-1] * len(ATTRIBUTES)
    merged += [(corners, label, unknown, True) for label, corners, _ in annotated]
    return zip(*merged, strict=True)
