"""The tables of README, the cards and the docs, as Markdown."""

import os
import re

from keras_mtl import recipes, sharing
from keras_mtl._text import markdown_table
from keras_mtl.applications import catalog
from keras_mtl.plots.stage_rows import stage_rows
from keras_mtl.recipes.table import format_markdown
from tools import published

PAPER = re.compile(r"(\w+ et al\.),.*?((?:CVPR|ICCV|ECCV|BMVC|NeurIPS) \d{4})")
"""A paper in a docstring: its authors, where and when."""

PICTURES = 5
"""Of applications, side by side."""


def table_text(path, name, *arguments):
    """A table as Markdown.

    Args:
        path: the document that it stands in.
        name: `"zoo"`, `"gallery"`, `"recipes"`, `"sharings"`, `"counts"`, `"stages"`, `"weights"`,
            or that of a recipe.
        *arguments: of `"counts"`, `"stages"` and `"weights"`: the application.
    """
    if name in TABLES:
        return TABLES[name](path, *arguments)
    return _of_recipe(name)


def _of_recipe(name):
    results, recipe = published.read(name), recipes.load()[name]
    return f"{_caption(recipe, results)}\n\n{format_markdown(recipe, results)}"


def _caption(recipe, results):
    entries = [entry for row in results["rows"].values() for entry in row["seeds"].values()]
    commits = sorted({str(entry["commit"]) for entry in entries})
    options = {
        "preset": results["preset"],
        "data": results["data"],
        "tasks": " ".join(results["tasks"]),
        "seeds": max(len(row["seeds"]) for row in results["rows"].values()),
    }
    if tuple(results["tasks"]) == recipe.problem.default_tasks:
        del options["tasks"]
    command = " ".join(f"--{name} {value}" for name, value in options.items())
    return (
        f"`keras-mtl train {results['recipe']} {command}` "
        f"({results['backend']}, commit {', '.join(commits)}):"
    )


def _zoo(path):
    """Every application, its size as published, and that of the network that ships."""
    lines = [("application", "what it is", "parameters", "G MACs", 'with `weights="rooms"`')]
    counts = catalog.counts()
    for name, entry in catalog.ENTRIES.items():
        link = os.path.relpath(entry.card, path.parent)
        ours = counts[name]
        trained = f"{ours.trained_parameters:,}: {ours.headline}" if ours.ships else ""
        size = (f"{ours.parameters:,}", f"{ours.macs / 1e9:,.1f}")
        lines.append((f"[`{name}`]({link})", entry.title, *size, trained))
    return markdown_table(lines)


def _gallery(path):
    """The stages of every application as a small picture, which leads to its card."""
    cells = []
    for name, entry in catalog.ENTRIES.items():
        card, picture = (
            os.path.relpath(each, path.parent)
            for each in (entry.card, entry.card.with_suffix(".png"))
        )
        cells.append(f"[![the stages of {name}]({picture})<br>{name}]({card})")
    rows = [cells[start : start + PICTURES] for start in range(0, len(cells), PICTURES)]
    rows[-1] += [""] * (PICTURES - len(rows[-1]))
    return markdown_table([[""] * PICTURES, *rows])


def _recipes(path):
    """Every recipe and the question that it answers."""
    lines = [("recipe", "what it does")]
    return markdown_table(
        lines + [(f"`{name}`", each.title) for name, each in recipes.load().items()]
    )


def _sharings(path):
    """Every sharing, what it is, and whose."""
    lines = [("sharing", "what it is", "source")]
    for name in sharing.__all__:
        text = getattr(sharing, name).__doc__
        papers = PAPER.findall(" ".join(text.partition("Source:")[2].split()))
        if papers:  # All but the base class have one.
            source = "; ".join(f"{authors}, {venue}" for authors, venue in papers)
            lines.append((f"`{name}`", text.splitlines()[0], source))
    return markdown_table(lines)


def _counts(path, name):
    """Parameters and multiply-accumulates in the paper's size and of the network that ships."""
    counts = catalog.counts()[name]
    lines = [("", "tasks", "parameters", "M MACs")]
    lines.append(_size("in the paper's size", counts.tasks, counts.parameters, counts.macs))
    if counts.ships:
        of_trained = (counts.trained_tasks, counts.trained_parameters, counts.trained_macs)
        lines.append(_size('`weights="rooms"`', *of_trained))
    return markdown_table(lines)


def _size(name, tasks, parameters, macs):
    return (name, _shown(tasks), f"{parameters:,}", f"{macs / 1e6:,.0f}")


def _shown(tasks):
    """Names of tasks, or, of many, their number."""
    return ", ".join(tasks) if len(tasks) <= 6 else f"{len(tasks)} attributes"


def _shown_groups(groups):
    """Groups of tasks; of many that have one task each, their number."""
    if len(groups) > 8 and all(len(group) == 1 for group in groups):
        return f"each of {len(groups)} attributes"
    return "; ".join(_shown(group) for group in groups)


def _stages(path, name):
    """The stages of the network that ships, or of that in the paper's size."""
    lines = [("stage", "output", "parameters", "run once for", "behind it")]
    for row in stage_rows(shown_network(name)):
        groups = _shown_groups(row.groups)
        shape = "×".join("?" if size is None else str(size) for size in row.output_shape)
        lines.append((f"`{row.stage}`", shape, f"{row.parameters:,}", groups, row.unit or ""))
    return markdown_table(lines)


def shown_network(name):
    """The network that a card shows: the one that ships, or that of the paper's size."""
    entry = catalog.ENTRIES[name]
    return entry.build(weights="rooms") if catalog.counts()[name].ships else entry.in_paper_size()


def _weights(path, name):
    """What the network that ships scores."""
    counts = catalog.counts()[name]
    scores = [each for of_task in counts.scores.values() for each in of_task.items()]
    heading, line = zip(*[(title, f"{value:.2f}") for title, value in scores], strict=True)
    text = f"`keras-mtl evaluate {name}` (a file of {counts.bytes / 1e6:.1f} MB):"
    return f"{text}\n\n{markdown_table([heading, line])}"


TABLES = {
    "zoo": _zoo,
    "gallery": _gallery,
    "recipes": _recipes,
    "sharings": _sharings,
    "counts": _counts,
    "stages": _stages,
    "weights": _weights,
}
