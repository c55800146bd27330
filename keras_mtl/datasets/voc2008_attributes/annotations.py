"""Objects, as the attributes' files and VOC's annotations list them."""

from xml.etree import ElementTree

import numpy as np

from .._published import read_text
from .classes import ATTRIBUTES


def read_lines(path):
    """A list of (place for errors, text) of the lines of a file that are not empty."""
    lines = enumerate(read_text(path).splitlines(), 1)
    return [(f"{path}, line {number},", line.strip()) for number, line in lines if line.strip()]


def read_objects(path, classes, count):
    """A dict from a picture's file to its objects (class, corners, attributes).

    Args:
        path: The file, that has one object a row.
        classes: The names of its classes, that are numbered from 1.
        count: How many objects it holds in all.
    """
    objects, lines, length = {}, read_lines(path), 6 + len(ATTRIBUTES)
    for place, line in lines:
        values = line.split()
        if len(values) != length:
            raise ValueError(f"{place} must hold {length} values. Received: {len(values)}.")
        name, label, corners, attributes = values[0], values[1], values[2:6], values[6:]
        if not set(attributes) <= {"0", "1"}:
            wrong = next(value for value in attributes if value not in ("0", "1"))
            raise ValueError(f"{place} must hold attributes of 0 or 1. Received: {wrong!r}.")
        row = _class(label, classes, place), _corners(corners, place), [int(x) for x in attributes]
        objects.setdefault(name, []).append(row)
    if len(lines) != count:
        raise ValueError(f"{path} must hold {count} objects, one a line. Received: {len(lines)}.")
    return objects


def read_annotation(path, classes):
    """The objects (class, corners, difficult) of a picture in VOC's own annotation."""
    try:
        root = ElementTree.parse(path).getroot()
    # An encoding may be unknown, or one that the reader cannot take.
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise ValueError(f"{path} must be a whole XML file. Received: {error}.") from error
    objects = []
    for number, element in enumerate(root.iter("object"), 1):
        place = f"{path}, object {number},"
        corners = [element.findtext(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")]
        difficult = (element.findtext("difficult") or "0").strip() == "1"
        label = _class((element.findtext("name") or "").strip(), classes, place)
        objects.append((label, _corners(corners, place), difficult))
    return objects


def merge(rows, annotated):
    """The objects of a picture (class, corners, attributes, difficult).

    Those of the attributes' file come first, in its order. What VOC annotates besides has unknown
    attributes, -1, and is difficult.
    """
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
        merged.append((label, corners, attributes, match is not None and match[2]))
    unknown = [-1] * len(ATTRIBUTES)
    return merged + [(label, corners, unknown, True) for label, corners, _ in annotated]


def _class(label, classes, place):
    if label not in classes:
        raise ValueError(f"{place} must name a class, {', '.join(classes)}. Received: {label!r}.")
    return classes.index(label) + 1


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
