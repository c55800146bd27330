"""A table of labels as people write them: CSV of any of the usual forms."""

import csv
import io
from pathlib import Path

from keras_mtl._text import few

DELIMITERS = ",;\t"
UNKNOWN = {"na", "n/a", "nan", "null"}
"""What other programs write where there is nothing, in any case of letters."""


def read_table(path):
    """The cells of a table, by column; remarks on how it was read; whether a comma is a point.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no table: no rows, a column without a name or twice, a row that is longer
            than the first one.
    """
    encoded, remarks = Path(path).read_bytes(), []
    try:
        wide = encoded[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = encoded.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        text = encoded.decode("cp1252", errors="replace")
        remarks.append(f"{path} is no UTF-8 and was read as Windows-1252")
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    if delimiter != ",":
        name = {";": "semicolons", "\t": "tabs"}[delimiter]
        remarks.append(f"columns are parted by {name}")
    lines = [
        [_cell(text) for text in line]
        for line in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        if any(map(str.strip, line))
    ]
    header, *rows = lines or [[]]
    if rows and not header[0]:
        remarks.append("the first column, which has no name, is left out")
        header, rows = header[1:], [row[1:] for row in rows]
    twice = sorted({name for name in header if header.count(name) > 1})
    if not rows or not all(header) or twice:
        reason = "it has no rows" if not rows else f"columns named twice: {twice}" if twice else ""
        raise ValueError(
            f"`labels` must be a table with a row of names above the others. Received: {path}; "
            f"{reason or 'a column without a name'}."
        )
    long = [number for number, row in enumerate(rows, start=2) if len(row) > len(header)]
    if long:
        raise ValueError(
            f"`labels` must have at most {len(header)} cells a row, as the first row of {path} "
            f"has. Received: more in the rows {few(long)}."
        )
    padded = [row + [""] * (len(header) - len(row)) for row in rows]
    columns = zip(*padded, strict=True)
    cells = {name: list(of_one) for name, of_one in zip(header, columns, strict=True)}
    return cells, remarks, delimiter != ","


def _cell(text):
    return "" if text.strip().lower() in UNKNOWN else text.strip()
