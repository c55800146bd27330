"""Writes the page."""

from pathlib import Path
from typing import Any

from keras_mtl._files import whole_file
from keras_mtl._types import PathLike
from keras_mtl.study.report.page import page


def report(found: Any, path: PathLike) -> Path:
    """Writes what a study has found as one HTML file that asks for nothing else.

    What has to be looked at in networks and data is kept in the study's folder, so that the page is
    drawn anew without them.

    Args:
        found: a `Found`.
        path: the file.

    Returns:
        The path.

    Raises:
        ImportError: Jinja2 or matplotlib is missing (`keras-mtl[report]`).
        OSError: it cannot be written.
    """
    text = page(found)
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")
    return Path(path)
