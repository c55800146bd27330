"""The tables of README, the cards and the docs, as Markdown."""

import importlib
import os
import pkgutil
import re

import keras_mtl.recipes
from keras_mtl import sharing
from keras_mtl._stage_rows import stage_rows
from keras_mtl.applications import catalog
from keras_mtl.recipes import _published
from keras_mtl.recipes._count_zoo import paper_sized
from keras_mtl.recipes._evaluation import problem_of
from keras_mtl.recipes._format import format_markdown

PAPER = re.compile(r"(\w+ et al\.),.*?((?:CVPR|ICCV|ECCV|BMVC|NeurIPS) \d{4})")
"""A paper in a docstring: its authors, where and when."""


def table_text(path, name, *arguments):
    """A table as Markdown.

    Args:
        path: the document that it stands in.
        name: `"zoo"`, `"recipes"`, `"sharings"`, `"counts"`, `"stages"`, `"weights"`, or that of a
            recipe.
        *arguments: of `"counts"`, `"stages"` and `"weights"`: the application.
    """
    if name in TABLES:
        return TABLES[name](path, *arguments)
    return _of_recipe(name)


def _of_recipe(name):
    results = _published.read(name)
    table = importlib.import_module(f"keras_mtl.recipes.{name}").TABLE
    return f"{_caption(table, results)}\n\n{format_markdown(table, results)}"


def _caption(table, results):
    entries = [entry for row in results["rows"].values() for entry in row["seeds"].values()]
    commits = sorted({str(entry["commit"]) for entry in entries})
    options = {
        "preset": results["preset"],
        "data": results["data"],
        "tasks": " ".join(results["tasks"]),
        "seeds": max(len(row["seeds"]) for row in results["rows"].values()),
    }
    if tuple(results["tasks"]) == table.problem.pair:
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
        trained = f"{ours.trained_parameters:,}: {headline(name)}" if ours.ships else ""
        size = (f"{ours.parameters:,}", f"{ours.macs / 1e9:,.1f}")
        lines.append((f"[`{name}`]({link})", entry.title, *size, trained))
    return markdown(lines)


def headline(name):
    """In a line the scores by which the network of an application that ships is compared."""
    problem = problem_of(name)
    words = []
    for task, scores in _published.shipped_scores(name).items():
        compared = problem.headlines[task]
        if isinstance(compared, str):
            compared = (compared,)
        elif len(compared) > 2:  # Of many the first one stands for all.
            compared = compared[:1]
        for heading, (score, factor) in problem.columns[task].items():
            if score in compared and score in scores:
                words.append(f"{heading} {factor * scores[score]:.1f}")
    return ", ".join(words)


def _recipes(path):
    """Every recipe and the question that it answers."""
    lines = [("recipe", "what it does")]
    for name in recipe_names():
        module = importlib.import_module(f"keras_mtl.recipes.{name}")
        lines.append((f"`{name}`", module.__doc__.splitlines()[0]))
    return markdown(lines)


def recipe_names():
    """Names of the recipes, in the order of the alphabet."""
    names = [module.name for module in pkgutil.iter_modules(keras_mtl.recipes.__path__)]
    return [name for name in names if not name.startswith("_") and name not in TOOLS]


TOOLS = ("publish", "ship")
"""Modules of the folder that are no recipes."""


def _sharings(path):
    """Every sharing, what it is, and whose."""
    lines = [("sharing", "what it is", "source")]
    for name in sharing.__all__:
        text = getattr(sharing, name).__doc__
        papers = PAPER.findall(" ".join(text.partition("Source:")[2].split()))
        if papers:  # All but the base class have one.
            source = "; ".join(f"{authors}, {venue}" for authors, venue in papers)
            lines.append((f"`{name}`", text.splitlines()[0], source))
    return markdown(lines)


def _counts(path, name):
    """Parameters and multiply-accumulates in the paper's size and of the network that ships."""
    counts = catalog.counts()[name]
    lines = [("", "tasks", "parameters", "M MACs")]
    lines.append(_size("in the paper's size", counts.tasks, counts.parameters, counts.macs))
    if counts.ships:
        of_trained = (counts.trained_tasks, counts.trained_parameters, counts.trained_macs)
        lines.append(_size('`weights="rooms"`', *of_trained))
    return markdown(lines)


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
    return markdown(lines)


def shown_network(name):
    """The network that a card shows: the one that ships, or that of the paper's size."""
    entry = catalog.ENTRIES[name]
    return entry.build(weights="rooms") if catalog.counts()[name].ships else paper_sized(entry)


def _weights(path, name):
    """What the network that ships scores."""
    counts, scores = catalog.counts()[name], _published.shipped_scores(name)
    columns = problem_of(name).columns
    heading, line = [], []
    for task in scores:
        for title, (score, factor) in columns[task].items():
            if score in scores[task]:
                heading.append(title)
                line.append(f"{factor * scores[task][score]:.2f}")
    text = f"`keras-mtl evaluate {name}` (a file of {counts.bytes / 1e6:.1f} MB):"
    return f"{text}\n\n{markdown([heading, line])}"


def markdown(lines):
    """Lines of cells as a table; the first one is the heading."""
    heading, *others = lines
    return "\n".join(
        f"| {' | '.join(line)} |" for line in (heading, ["---"] * len(heading), *others)
    )


TABLES = {
    "zoo": _zoo,
    "recipes": _recipes,
    "sharings": _sharings,
    "counts": _counts,
    "stages": _stages,
    "weights": _weights,
}
