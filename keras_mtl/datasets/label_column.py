"""A column of labels, and what kind of task it is."""

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_mtl._checks import check_choice
from keras_mtl._text import few
from keras_mtl._types import Array, Size
from keras_mtl.datasets._scaling import open_picture
from keras_mtl.heads import ASPPMapHead, ASPPSegmentationHead
from keras_mtl.task import Task

KINDS = ("regression", "classification", "attributes", "map")
MOST_CLASSES = 20
"""Of whole numbers, above which they are no classes but a quantity."""
NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
MAPS = (".png", ".bmp", ".gif", ".tif", ".tiff", ".npy")
UNKNOWN = -1


@dataclasses.dataclass(frozen=True)
class LabelColumn:
    """Labels of one task, one a row.

    Attributes:
        name: that of the column.
        kind: `"regression"`, `"classification"`, `"attributes"` or `"map"`.
        labels: array (N, …), NaN or -1 where a cell is empty; of maps a list of paths, `None` where
            there is none.
        classes: names of the classes or attributes; of maps `None` until they have been looked at.
    """

    name: str
    kind: str
    labels: Any
    classes: tuple[str, ...] | None = None
    white: bool = False
    """Of maps: whether 255 is a class, and not what marks pixels without one."""

    @property
    def known(self) -> Array:
        """Bool (N,): which rows have a label."""
        if self.kind == "map":
            return np.array([path is not None for path in self.labels])
        known = ~np.isnan(self.labels) if self.kind == "regression" else self.labels != UNKNOWN
        return known.reshape(len(known), -1).any(axis=1)

    def task(self, size: Size, of_pixels: bool, rows: Array) -> Task:
        """What is learned of it.

        Numbers are learned in units of their deviation: those of ages in years would drown the
        other tasks, and their mean would have to be learned before all else.

        Args:
            size: (height, width) of maps, in pixels.
            of_pixels: whether the features are of pixels, which tasks without maps have to pool.
            rows: numbers of the rows that are learned from.
        """
        if self.kind == "map":
            # Features of small pictures are few: DeepLab's own head would look far beyond them.
            narrow: Any = {"output_size": size, "features": 64, "rates": (1, 2, 4), "dropout": 0.1}
            if self.classes is None:
                return Task.map(head=ASPPMapHead(**narrow))
            head = ASPPSegmentationHead(len(self.classes), **narrow)
            return Task.segmentation(self.classes, head=head)
        pooled = [keras.layers.GlobalAveragePooling2D()] if of_pixels else []
        head = keras.Sequential([*pooled, keras.layers.Dense(len(self.classes or [0]))])
        if self.kind == "regression":
            values = self.labels[[row for row in rows if self.known[row]] or self.known]
            deviation = float(values.std()) or 1.0
            head.add(keras.layers.Rescaling(deviation, float(values.mean())))
            return Task.regression(head=head, weight=1 / deviation**2)
        made = Task.classification if self.kind == "classification" else Task.attributes
        return made(self.classes or (), head=head)


def label_column(
    name: str, cells: Sequence[str], folder: Path, kind: str | None = None
) -> LabelColumn:
    """A column as labels; what kind they are is seen from them if it is not said.

    Names of files that are there are maps; words with a semicolon between them are attributes;
    numbers are a regression, unless they are few whole ones, which are classes as words are.

    Args:
        name: that of the column.
        cells: one a row, empty where the label is not known.
        folder: where files that are named are looked for.
        kind: one of those of a `LabelColumn`.

    Raises:
        ValueError: there is no such kind, no label, one value only, or what is no label of it.
    """
    known = [cell for cell in cells if cell]
    if not known:
        raise ValueError(f"column {name!r} must have labels. Received: empty cells only.")
    if kind is None:
        kind = _seen(known, folder)
    check_choice(f"kind of {name!r}", kind, KINDS)
    if kind != "map" and len(set(known)) == 1:
        raise ValueError(
            f"column {name!r} must have more than one value to learn. "
            f"Received: {known[0]!r} in all {len(known)} rows that have one."
        )
    return {
        "regression": _numbers,
        "classification": _classes,
        "attributes": _attributes,
        "map": _maps,
    }[kind](name, cells, folder)


def _seen(known, folder):
    if all(Path(cell).suffix.lower() in MAPS for cell in known) and any(
        (folder / cell).is_file() for cell in known
    ):
        return "map"
    if any(";" in cell for cell in known):
        return "attributes"
    if not all(NUMBER.fullmatch(cell) for cell in known):
        return "classification"
    whole = all(float(cell).is_integer() and float(cell) >= 0 for cell in known)
    return "classification" if whole and len(set(known)) <= MOST_CLASSES else "regression"


def _numbers(name, cells, folder):
    wrong = [cell for cell in cells if cell and not NUMBER.fullmatch(cell)]
    if wrong:
        raise ValueError(f"column {name!r} must have numbers. Received: {few(wrong)}.")
    labels = [float(cell) if cell else np.nan for cell in cells]
    return LabelColumn(name, "regression", np.array(labels, "float32")[:, None])


def _classes(name, cells, folder):
    words = {cell for cell in cells if cell}
    if len(words) > MOST_CLASSES and 2 * len(words) > sum(map(bool, cells)):
        raise ValueError(
            f"column {name!r} must have fewer classes than half of its labels. Received: "
            f"{len(words)} different ones in {sum(map(bool, cells))} rows, such as "
            f"{few(sorted(words))}."
        )
    are_numbers = all(NUMBER.fullmatch(word) for word in words)
    classes = sorted(words, key=float) if are_numbers else sorted(words)
    place = {word: number for number, word in enumerate(classes)}
    labels = np.array([place.get(cell, UNKNOWN) for cell in cells])
    return LabelColumn(name, "classification", labels, tuple(classes))


def _attributes(name, cells, folder):
    given = [[word.strip() for word in cell.split(";") if word.strip()] for cell in cells]
    classes = sorted({word for words in given for word in words})
    labels = np.array(
        [
            [word in words for word in classes] if cell else [UNKNOWN] * len(classes)
            for cell, words in zip(cells, given, strict=True)
        ],
        "int64",
    )
    return LabelColumn(name, "attributes", labels, tuple(classes))


def _maps(name, cells, folder):
    paths = [folder / cell if cell else None for cell in cells]
    return LabelColumn(name, "map", paths)


def read_map(path: Path) -> Array:
    """A map of a file: whole numbers (height, width) of classes, or other numbers as they are.

    Raises:
        ValueError: it has colours, or is no map that can be read.
    """
    if path.suffix.lower() == ".npy":
        values = np.load(path)
    else:
        with open_picture(path) as image:
            values = np.asarray(image)
    if values.ndim == 3 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim != 2:
        raise ValueError(f"a map must have a number a pixel, and this one has {values.shape[-1]}")
    return values.astype("uint8") if values.dtype == bool else values
