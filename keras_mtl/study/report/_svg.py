"""Figures as SVG within a page: its fonts, its colours in the light and in the dark."""

import contextlib
import io
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from keras_mtl._types import Figure
from keras_mtl.plots import pyplot

PALETTE = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd") + (
    *("#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"),
)
"""Matplotlib's own, of which the page has lighter ones in the dark."""
NAMED = {
    **{colour: f"var(--c{number})" for number, colour in enumerate(PALETTE)},
    **{"#000000": "currentColor", "#1a1a1a": "currentColor", "#333333": "currentColor"},
    **{"#4d4d4d": "var(--ink-2)", "#595959": "var(--ink-2)", "#737373": "var(--ink-2)"},
    **{"#8c8c8c": "var(--ink-3)", "#999999": "var(--ink-3)", "#b0b0b0": "var(--rule)"},
    **{"#bfbfbf": "var(--rule)", "#cccccc": "var(--rule)", "#f0f0f0": "var(--faint)"},
    "#ffffff": "var(--paper)",
}
"""What stands for matplotlib's colours."""


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Within it figures are drawn as `svg` expects them, whatever style the caller has chosen."""
    plt = pyplot()
    # A name with "$" is no formula.
    with plt.style.context(["default", {"svg.fonttype": "none", "text.parse_math": False}]):
        yield


def svg(figure: Figure, name: str, alt: str, tips: Mapping[str, str] | None = None) -> str:
    """A figure as an SVG element, closed as a figure.

    Args:
        figure: matplotlib figure.
        name: a name of its own in the page, for what within it is pointed at.
        alt: what it shows, for those who don't see it.
        tips: dict from the `gid` of artists to what is said where a pointer rests on them.
    """
    plt, file = pyplot(), io.StringIO()
    with plt.rc_context({"svg.hashsalt": name}):
        options: dict[str, Any] = {"metadata": {"Date": None, "Creator": None}}
        figure.savefig(
            file, format="svg", transparent=True, bbox_inches="tight", pad_inches=0.03, **options
        )
    plt.close(figure)
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    text = re.sub("#[0-9a-f]{6}", lambda found: NAMED.get(found[0], found[0]), text)
    # In the type of the page; sizes of text are those of the drawing.
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    for part, tip in (tips or {}).items():
        text = text.replace(f'<g id="{part}">', f'<g id="{part}"><title>{escape(tip)}</title>')
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(alt)}"', 1).rstrip()


def slug(name: str) -> str:
    """A name as part of an `id`."""
    return re.sub(r"\W+", "-", name.lower()).strip("-")
