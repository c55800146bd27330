"""The Markdown of the project: its pages, and what stands in them."""

import re
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

import keras_mtl

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted(path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts)
CARDS = sorted((ROOT / "applications").glob("*.md"))
EXAMPLE = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+) -->\n)?"
    r"^```python\n(?P<code>.*?)^```$"
    r"(?:\n\n```text\n(?P<printed>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)


class Example(NamedTuple):
    """A block of Python, what it prints if the page shows that, and why it is not run, if so."""

    line: int
    code: str
    printed: str | None
    reason: str | None


def examples(path):
    """The blocks of Python of a page, in order."""
    text = path.read_text()
    return [
        Example(text.count("\n", 0, match.start("code")), *match.group("code", "printed", "reason"))
        for match in EXAMPLE.finditer(text)
    ]


def run(path):
    """Runs the blocks of a page one after the other, in one namespace.

    As in docstrings `keras`, `keras_mtl` and `np` need not be imported.

    Returns:
        A list of pairs of what the page says a block prints, and what it does.
    """
    names, printed = {"keras": keras, "keras_mtl": keras_mtl, "np": np}, []
    for example in examples(path):
        if example.reason is not None:
            continue
        lines = []
        names["print"] = lambda *values, to=lines: to.append(" ".join(map(str, values)) + "\n")
        # So that errors name the line of the page.
        exec(compile("\n" * example.line + example.code, str(path), "exec"), names)
        printed.append((example.printed, "".join(lines)))
    return printed
