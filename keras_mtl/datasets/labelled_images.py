"""A folder of pictures and a table of their labels."""

import dataclasses
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from keras_mtl._checks import VOID, check_integer
from keras_mtl._text import few
from keras_mtl._types import PathLike, Size
from keras_mtl.datasets._label_files import Maps, Pictures, look_at_all
from keras_mtl.datasets._label_parts import parts_of
from keras_mtl.datasets._label_table import read_table
from keras_mtl.datasets.label_column import label_column
from keras_mtl.datasets.lazy_array import LazyArray

DECIMAL_COMMA = re.compile(r"[-+]?\d*,\d+")
CALLED = ("image", "picture", "photo", "file", "path")
"""What the column of pictures is often called."""
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")


class LabelledImages:
    """Pictures on disk with labels of several tasks, as `keras_mtl.compare` takes them.

    The table has a column with the names of the pictures' files and one for each task. What a task
    is, its labels say: numbers make a regression, words or a few whole numbers a classification,
    words with semicolons between them attributes, and names of files maps, such as masks as PNG
    (255 where there is no class). An empty cell is a label that is missing. A column named "split"
    says to which part a row belongs; without one the parts are drawn.

    Pictures are read, and scaled to one size, when a batch asks for them; all are looked at once
    here, so that a broken one does not end a training.

    Args:
        labels: path of the table: CSV with commas, semicolons or tabs, in UTF-8 or Windows-1252.
        folder: where the files are that it names; that of the table if `None`.
        image: name of the column of pictures; found if `None`.
        kinds: dict from column to `"regression"`, `"classification"`, `"attributes"` or `"map"`,
            where what is seen from the labels is not what they mean.
        leave_out: names of columns that are no tasks.
        size: (height, width) in pixels that pictures and maps come out in; their own if `None` and
            all have one.
        split: name of the column of parts; `None` for one of the name "split", if there is one.
        shares: of the rows for training, validation and test, where they are drawn.
        seed: integer seed of that draw.
        skip_broken: whether rows whose files are missing or broken are left out; else they are an
            error.
        verbose: 1 for a bar of progress while the files are looked at.

    Attributes:
        columns: dict from task to its `LabelColumn`.
        tasks: dict from task to a `keras_mtl.Task`. Beside maps, whose networks end in features of
            pixels, the other tasks pool those. Numbers are learned in units of their deviation.
        train, validation, test: pairs of a `LazyArray` of pictures, float32 (N, height, width, 3)
            from 0 to 255, and a dict from task to labels.
        remarks: list of what was decided and may surprise, in sentences.

    Raises:
        OSError: the table cannot be read.
        ValueError: it is no such table; files are missing or broken, or named twice; a part has no
            rows; pictures differ in size and none is given; a column is no task.

    Example:

    >>> import pathlib, tempfile, keras_mtl
    >>> from PIL import Image
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> rows = ["picture,age,species"]
    >>> for number in range(10):
    ...     Image.new("RGB", (8, 8), (25 * number, 0, 0)).save(folder / f"{number}.png")
    ...     rows.append(f"{number}.png,{number / 2 + 0.25},{'cat' if number % 2 else 'dog'}")
    >>> path = folder / "labels.csv"
    >>> written = path.write_text("\\n".join(rows))
    >>> data = keras_mtl.datasets.LabelledImages(path)
    >>> print(data)
    column   kind            labels  values
    age      regression          10  0.25 to 4.75
    species  classification      10  cat, dog
    >>> [len(part[0]) for part in (data.train, data.validation, data.test)]
    [7, 1, 2]
    """

    def __init__(
        self,
        labels: PathLike,
        folder: PathLike | None = None,
        *,
        image: str | None = None,
        kinds: Mapping[str, str] | None = None,
        leave_out: Sequence[str] = (),
        size: Size | None = None,
        split: str | None = None,
        shares: Sequence[float] = (0.7, 0.15, 0.15),
        seed: int = 0,
        skip_broken: bool = False,
        verbose: int = 0,
    ) -> None:
        folder = Path(labels).parent if folder is None else Path(folder)
        cells, self.remarks, has_decimal_commas = read_table(labels)
        if image is None:
            image, *maps = _columns_of_files(cells, folder)
            if maps and not _says_so(image):
                self.remarks.append(f"{image} is taken for the pictures")
        if split is None:
            others = (name for name in cells if name not in (*leave_out, *(kinds or ())))
            split = next((name for name in others if name.lower() == "split"), None)
        also = [] if split is None else [split]
        given = {"image": [image], "split": also, "kinds": kinds or (), "leave_out": leave_out}
        for argument, names in given.items():
            unknown = [name for name in names if name not in cells]
            if unknown:
                raise ValueError(
                    f"`{argument}` must be of columns of the table, {list(cells)}. "
                    f"Received: {unknown}."
                )
        names = [name for name in cells if name not in (image, *also, *leave_out)]
        if not names:
            raise ValueError(
                f"`labels` must have columns of labels beside {image!r}. Received: {list(cells)}."
            )
        if has_decimal_commas:
            cells |= {name: [_with_point(cell) for cell in cells[name]] for name in names}
        kinds = kinds or {}
        columns = {name: label_column(name, cells[name], folder, kinds.get(name)) for name in names}
        pictures = [folder / name for name in _each_once(image, cells[image])]
        looked = look_at_all(pictures, columns, verbose)
        rows = self._whole(looked, skip_broken)
        self.size = self._one_size([looked[row].size for row in rows], size)
        self.columns = {
            name: self._of_pixels(column, [looked[row] for row in rows])
            if column.kind == "map"
            else column
            for name, column in columns.items()
        }
        self._rows = rows
        parts = parts_of(rows, shares, seed, None if split is None else cells[split], split)
        self._look_for_classes(parts)
        self.train, self.validation, self.test = (
            self._part(pictures, parts[part]) for part in ("train", "validation", "test")
        )
        of_pixels = any(column.kind == "map" for column in self.columns.values())
        self.tasks = {
            name: column.task(self.size, of_pixels, parts["train"])
            for name, column in self.columns.items()
        }

    def __str__(self) -> str:
        lines = [("column", "kind", "labels", "values")]
        for name, column in self.columns.items():
            known = column.known[self._rows]
            lines.append((name, column.kind, str(int(known.sum())), _values(column)))
        first, second, third = (max(len(line[place]) for line in lines) for place in range(3))
        return "\n".join(
            f"{name:{first}}  {kind:{second}}  {count:>{third}}  {values}"
            for name, kind, count, values in lines
        )

    def _whole(self, looked, skip_broken):
        """Numbers of the rows whose files can be read."""
        wrong = [each.wrong for each in looked if each.wrong]
        if wrong and not skip_broken:
            raise ValueError(
                "all files that the table names must be whole pictures or maps; `skip_broken=True` "
                f"leaves out others. Received: {len(wrong)} of {len(looked)} rows with others: "
                f"{few(wrong)}."
            )
        if wrong:
            self.remarks.append(f"{len(wrong)} rows are left out: {few(wrong)}")
        return [number for number, each in enumerate(looked) if not each.wrong]

    def _one_size(self, sizes, size):
        if size is not None:
            height, width = (check_integer("size", side, 1) for side in size)
            size = height, width
        different = sorted(set(sizes))
        if size is None and len(different) > 1:
            raise ValueError(
                f"`size` must be given where pictures differ in it. Received: None, and "
                f"{len(different)} sizes from {different[0]} to {different[-1]}."
            )
        if size is not None and different not in ([], [size]):
            self.remarks.append(
                f"pictures of {len(different)} size{'s' * (len(different) > 1)} are scaled to "
                f"{size[0]}×{size[1]} pixels, whatever their shape"
            )
        return size or (different or [(1, 1)])[0]

    def _of_pixels(self, column, looked):
        """A column of maps with its classes, if its numbers are whole."""
        seen = [each.values[column.name] for each in looked if column.name in each.values]
        if None in seen:
            return column  # Of numbers, such as depths.
        values = set().union(*seen)
        white = VOID in values and values <= {0, VOID}
        if white:
            self.remarks.append(f"{column.name} has 0 and 255 alone: 255 is taken for a class")
        highest = max(values - {VOID}, default=0)
        if not highest and not white:
            raise ValueError(
                f"column {column.name!r} must have maps of more than one class. "
                f"Received: {sorted(values)} in all pixels."
            )
        classes = tuple(map(str, range(max(2, highest + 1))))
        return dataclasses.replace(column, classes=classes, white=white)

    def _look_for_classes(self, parts):
        for name, column in self.columns.items():
            if column.kind != "classification":
                continue
            counts = np.bincount(column.labels[column.known], minlength=len(column.classes))
            lone = [each for each, count in zip(column.classes, counts, strict=True) if count == 1]
            if lone:
                self.remarks.append(f"{name} has one example only of {few(lone)}")
            learned = set(column.labels[parts["train"]])
            others = [column.classes[k] for k in sorted(set(column.labels[column.known]) - learned)]
            if others:
                self.remarks.append(f"{name} has no example to learn from of {few(others)}")

    def _part(self, pictures, rows):
        x = LazyArray(Pictures([pictures[row] for row in rows], self.size), len(rows))
        y = {}
        for name, column in self.columns.items():
            if column.kind == "map":
                paths = [column.labels[row] for row in rows]
                maps = Maps(paths, self.size, column.classes, column.white)
                y[name] = LazyArray(maps, len(rows))
            else:
                y[name] = column.labels[rows]
        return x, y


def _columns_of_files(cells, folder):
    """The columns of names of pictures, those first whose own name says so."""
    found = [
        name
        for name, of_column in cells.items()
        if all(Path(cell).suffix.lower() in PICTURES for cell in of_column)
        and any((folder / cell).is_file() for cell in of_column)
    ]
    if not found:
        raise ValueError(
            f"`image` must name the column of pictures, for none of {list(cells)} has names of "
            f"files with {', '.join(PICTURES)} that are in {folder}. Received: None."
        )
    return sorted(found, key=lambda name: not _says_so(name))


def _says_so(name):
    return any(word in name.lower() for word in CALLED)


def _each_once(column, names):
    """The names of a column, none of which is missing or twice."""
    often = Counter(names)
    twice = sorted(name for name, count in often.items() if count > 1 and name)
    if twice or "" in often:
        raise ValueError(
            f"column {column!r} must name a picture in each row, and none twice. Received: "
            + (f"{few(twice)} more than once." if twice else f"{often['']} rows without one.")
        )
    return names


def _with_point(cell):
    """A number with a decimal comma as one with a point; all else as it is."""
    return cell.replace(",", ".") if DECIMAL_COMMA.fullmatch(cell) else cell


def _values(column):
    if column.kind == "regression":
        known = column.labels[column.known]
        return f"{known.min():g} to {known.max():g}"
    if column.classes is None:
        return "numbers"
    return f"{len(column.classes)} classes" if column.kind == "map" else few(column.classes)
