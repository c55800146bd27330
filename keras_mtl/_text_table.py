"""Tables as text."""

from collections.abc import Sequence


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
