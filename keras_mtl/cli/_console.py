"""Tables, words in them and progress on the screen."""

import rich.box
import rich.console
import rich.progress
import rich.table


def console():
    """Where tables go; of a pipe's width nothing is known, so nothing is cut there."""
    found = rich.console.Console(highlight=False)
    return found if found.is_terminal else rich.console.Console(width=200)


def table(*columns, title=None):
    """A table; a column that begins with ">" is flushed right."""
    made = rich.table.Table(title=title, box=rich.box.SIMPLE_HEAD, title_justify="left")
    for column in columns:
        justify = "right" if column.startswith(">") else "left"
        made.add_column(column.removeprefix(">"), justify=justify)
    return made


def progress():
    """A bar of progress, on stderr if that is a terminal, which leaves no trace."""
    out = rich.console.Console(stderr=True)
    return rich.progress.Progress(
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeRemainingColumn(),
        console=out,
        transient=True,
        disable=not out.is_terminal,  # A pipe would get an empty line.
    )


def dimensions(shape):
    """A shape, without the batch, as text."""
    return "×".join("?" if side is None else str(side) for side in shape)
