"""Records in a file: a table whose rows belong to steps, and which a stop does not spoil."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_mtl._files import file_of, whole_file
from keras_mtl._types import PathLike
from keras_mtl.callbacks._recorder import Recorder

OTHER_TASK = ("other", "from_task")
"""Columns whose names are those of the column "task"."""


class StepTable:
    """A CSV file whose first column is the step.

    The rows of a step are written at once, so that a run that is killed leaves a readable file.

    Args:
        path: the file.
        columns: names of the columns, `"step"` first.
    """

    def __init__(self, path, columns):
        self.path = Path(path)
        self.columns = tuple(columns)

    def start(self, step):
        """Makes the file if there is none, and takes out its rows from `step` on."""
        header = ",".join(self.columns)
        kept = []
        if self.path.exists() and self.path.stat().st_size:
            found, *rows = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            if found.strip() != header:
                raise ValueError(
                    f"`path` must be new or a file of the columns {header}."
                    f" Received: {self.path}, which has {found.strip()[:100]}."
                )
            # The last line of a run that was killed may lack its end.
            rows = [row for row in rows if row.endswith("\n")]
            with file_of("this callback", self.path):
                kept = [row for row in rows if int(row.split(",")[0]) < step]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as unfinished:
            unfinished.write_text("".join([f"{header}\n", *kept]), encoding="utf-8")

    def append(self, rows):
        """Adds the rows of a step."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text.getvalue())


class TableRecorder(Recorder):
    """Keeps records as rows of a `StepTable`; `read` gives their columns behind step and epoch."""

    def __init__(
        self, path: PathLike, columns: Sequence[str], every: int | Literal["epoch"] = "epoch"
    ) -> None:
        super().__init__(every)
        self.table = StepTable(path, columns)

    def start(self, step: int) -> None:
        self.table.start(step)

    def record(self, step: int, epoch: int, rows: Iterable[Any]) -> None:
        self.table.append((step, epoch, *row) for row in rows)


def read_table(writer, path, columns, axes, value, group=None):
    """Reads the file of a `StepTable` as arrays; a row of it is a cell, at two names.

    What a kill has cut short is left out: an array that lacks cells, and a last step whose last
    array does, or that ends before the arrays of the step before it do.

    Args:
        writer: name of the callback that writes such files.
        path: the file.
        columns: the columns that it must have.
        axes: the two columns of names; "task" first if both are of tasks.
        value: function of a row that returns the cell.
        group: the column of the groups, such as layers; all of a step are one, `None`, without.

    Returns:
        `(rows, columns, history)`: the names of both axes, and a dict from step to a dict from
        group to array.
    """
    with file_of(writer, path):
        rows = _rows(path, columns)
        cells = {}
        for row in rows:
            of_group = cells.setdefault(int(row["step"]), {}).setdefault(group and row[group], {})
            of_group[row[axes[0]], row[axes[1]]] = value(row)
    across, down = ([row[axis] for row in rows] for axis in axes)
    if axes[1] in OTHER_TASK:
        across = down = [name for pair in zip(across, down, strict=True) for name in pair]
    across, down = list(dict.fromkeys(across)), list(dict.fromkeys(down))
    history = {
        step: {
            name: np.array([[of_group[i, j] for j in down] for i in across])
            for name, of_group in of_step.items()
            if len(of_group) == len(across) * len(down)
        }
        for step, of_step in cells.items()
    }
    *before, last = cells
    groups, those_before = list(cells[last]), cells[before[-1]] if before else {}
    ends_early = groups == list(those_before)[: len(groups)] and len(groups) < len(those_before)
    # An array may be of fewer names than others.
    whole = len(those_before.get(groups[-1], ())) or _size(cells[last][groups[-1]], axes)
    if ends_early or len(cells[last][groups[-1]]) < whole:
        del history[last]
    return across, down, {step: of_step for step, of_step in history.items() if of_step}


def _size(cells, axes):
    """How many cells there are at the names of some."""
    across, down = ({pair[axis] for pair in cells} for axis in (0, 1))
    return len(across | down) ** 2 if axes[1] in OTHER_TASK else len(across) * len(down)


def _rows(path, columns):
    """The whole rows, as dicts; at least one, of at least the columns."""
    lines = Path(path).read_text(encoding="utf-8").splitlines(keepends=True)
    rows = list(csv.DictReader(line for line in lines if line.endswith("\n")))
    if not rows or not {*columns} <= set(rows[0]):
        raise ValueError(
            f"It must have rows of {','.join(columns)}, and begins with "
            f"{''.join(lines[:1])[:100]!r}."
        )
    for row in rows:
        # What DictReader makes of too few and of too many.
        if None in row or None in row.values():
            raise ValueError(f"It must have a cell for every column. A row is {str(row)[:200]}.")
    return rows
