"""What is written for people: tables as text, and the progress of long work."""

import sys
from collections.abc import Sequence
from typing import Any

import keras


def text_table(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells, in columns: the first one to the left, the others to the right.

    A line of two cells alone, such as of what went wrong, does not widen the columns.
    """
    widths = [
        max((len(line[column]) for line in lines if column < len(line) > 2), default=0)
        for column in range(max(map(len, lines)))
    ]
    widths[0] = max(len(line[0]) for line in lines)
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column == 0 or len(line) == 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=False))
        ).rstrip()
        for line in lines
    )


def few(things: Sequence[Any], most: int = 5) -> str:
    """Some of many things, and how many more there are."""
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return ", ".join(map(str, things[:most])) + more


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells as Markdown; the first one is the heading."""
    heading, *others = lines
    ruled = [heading, ["---"] * len(heading), *others]
    return "\n".join(f"| {' | '.join(line)} |" for line in ruled)


def progress_bar(count, unit_name, verbose=1):
    """Keras' bar for `count` pieces of work, which writes nothing if `verbose` is 0."""
    # A log file gets a line only now and then.
    interval = 0.2 if sys.stdout.isatty() else 10.0
    return keras.utils.Progbar(count, verbose=verbose, interval=interval, unit_name=unit_name)
