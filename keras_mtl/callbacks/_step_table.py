"""Records in a file: a table whose rows belong to steps, and which a stop does not spoil."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from keras_mtl._files import file_of, whole_file
from keras_mtl._types import PathLike
from keras_mtl.callbacks._recorder import Recorder


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


def read_rows(path, columns):
    """The whole rows of a `StepTable`'s file, as dicts; at least one, of at least `columns`."""
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
