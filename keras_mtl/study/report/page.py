"""The page as text."""

import html
from importlib import resources
from types import ModuleType
from typing import Any

from keras_mtl._extra import extra
from keras_mtl.study.report._facts import facts, table_of


class Page:
    """A page that a notebook shows within a frame."""

    def __init__(self, text: str) -> None:
        self.text = text

    def _repr_html_(self):
        style = "width: 100%; height: 48rem; border: 0"
        return f'<iframe srcdoc="{html.escape(self.text)}" style="{style}"></iframe>'


def needed() -> ModuleType:
    """Jinja2; an `ImportError` if that or matplotlib is missing."""
    return extra("A report needs Jinja2 and matplotlib", "report", "matplotlib.pyplot", "jinja2")


def page(found: Any) -> str:
    """All that a `Found` has to say, as HTML."""
    jinja2 = needed()
    files = resources.files(__package__)
    read = {end: files.joinpath(f"page.{end}").read_text("utf-8") for end in ("html", "css", "js")}
    known = facts(found)
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(read["html"]).render(
        **known,
        style=read["css"],
        script=read["js"],
        table_of=table_of,
        spoken=_spoken(known["tasks"]),
    )


def _spoken(names):
    """Names as one says them."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
