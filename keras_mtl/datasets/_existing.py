"""The one error of files that a user has to get."""

import difflib
from pathlib import Path


def existing(path, source, folder=False):
    """Returns a file of a data set; raises FileNotFoundError, which says where to get it.

    Args:
        path: The file.
        source: What it is and where it comes from, such as "the labelled data of …, of …".
        folder: Whether it is a folder instead.
    """
    path = Path(path)
    if path.is_dir() if folder else path.is_file():
        return path
    raise FileNotFoundError(
        f"`data_dir` must hold {path.name!r}, {source}. Received: no {path}.{_hint(path)}"
    )


def _hint(path):
    """Where the file may be, or what it may be called."""
    # As where an archive was unpacked into a folder of its own name.
    deeper = path.parent / path.parent.name / path.name
    if deeper.exists():
        return f" It is one folder deeper: {deeper}."
    beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
    alike = difflib.get_close_matches(path.name, beside, n=1)
    return f" There is {alike[0]!r} beside it." if alike else ""
