"""Results as a table, in text and in Markdown; by how much rows are better than others."""

import math

import numpy as np

from keras_mtl._text import markdown_table, text_table
from keras_mtl.study.contender import BASELINE


def size(of_row, key):
    """Parameters or MACs of a row, the mean over its seeds, whose networks may differ in size."""
    return np.mean([entry.get(key, of_row[key]) for entry in of_row["seeds"].values()])


def seed_gains(recipe, results, row, part=None):
    """Mean relative gain in % of a row over the one-task networks, for each seed that both have.

    By the scores on the test images, or by those of a `part` where there are such.
    """
    baseline = scored(results, BASELINE)
    if row == BASELINE:
        return []
    return [
        recipe.problem.gain(*(each.get(part, each) for each in (entry, baseline[seed])))
        for seed, entry in scored(results, row).items()
        if seed in baseline
    ]


def scored(results, row):
    """The entries of a row by seed: those that are there and have not diverged."""
    entries = results["rows"].get(row, {"seeds": {}})["seeds"]
    return {seed: entry for seed, entry in entries.items() if "diverged" not in entry}


def best_row(recipe, results):
    """Name of the best of the competing rows by mean relative gain, or `None`.

    By the validation images; of tables that have no scores of such by those of the test.
    """
    gains = {
        row: np.mean(seed_gains(recipe, results, row, "validation"))
        for row in recipe.competing
        if seed_gains(recipe, results, row)
    }
    finite = {row: gain for row, gain in gains.items() if math.isfinite(gain)}
    return max(finite, key=finite.get) if finite else None


def cells(recipe, results):
    """The table of some results as a heading and rows of text.

    Returns:
        `(heading, rows)`: a list of strings, and a dict from row name to such a list. Scores are
        mean ± sample deviation over the seeds that a row has; the mean relative gain is over the
        one-task networks of the same seeds.
    """
    shown = {
        (task, name): column
        for task, of_task in recipe.problem.scores.items()
        if task in results["tasks"]
        for name, column in of_task.columns.items()
    }
    heading = [name for _, name in shown]
    heading += ["gain in %", "Δα", "parameters", "M MACs"]
    heading += ["M MACs by task", "ms"] if recipe.timed else []
    heading.append("seeds")
    rows = {}
    for row, of_row in results["rows"].items():
        entries = of_row["seeds"].values()
        if any("diverged" in entry for entry in entries):
            count = sum("diverged" in entry for entry in entries)
            unfit = any("does not fit" in entry.get("diverged", "") for entry in entries)
            what = "does not fit" if unfit else "diverged"
            rows[row] = [f"{what} with {count} of {len(entries)} seeds"]
            continue
        line = [
            _mean_and_deviation(
                [factor * entry[task][key] for entry in entries if key in entry[task]],
                recipe.problem.decimals,
            )
            for (task, _), (key, factor) in shown.items()
        ]
        gains = seed_gains(recipe, results, row)
        line.append(_mean_and_deviation(gains, sign="+"))
        moved = [
            np.mean([unit["moved"] for unit in entry["alphas"].values()])
            for entry in entries
            if "alphas" in entry
        ]
        line.append(f"{np.mean(moved):.3f}" if moved else "")
        line += [f"{size(of_row, 'parameters'):,.0f}", f"{size(of_row, 'macs') / 1e6:,.0f}"]
        if recipe.timed:
            known = "inference_ms" in of_row
            line.append(f"{of_row['task_macs'] / 1e6:,.0f}" if known else "")
            line.append(f"{of_row['inference_ms']:.1f}" if known else "")
        line.append(str(len(entries)))
        rows[row] = line
    return heading, rows


def format_table(recipe, results):
    """The table as text, with the paper's own rows for its preset."""
    heading, *lines = _lines(recipe, results, "{} (best)")
    text = f"{recipe.name}: {results['data']}, preset {results['preset']}, {results['backend']}\n"
    text += text_table([heading, *lines])
    problem, of_paper = recipe.problem, results["preset"] == "paper" and recipe.paper
    if of_paper and set(problem.default_tasks) == set(results["tasks"]):
        lines = [
            [row, *(f"{value:.{problem.decimals}f}" for value in line)]
            for row, line in recipe.paper.items()
        ]
        text += f"\n\nThe paper, on {problem.paper_data}:\n"
        text += text_table([heading[: len(lines[0])], *lines])
    return text


def format_markdown(recipe, results):
    """The table as Markdown."""
    return markdown_table(_lines(recipe, results, "**{}** (best)"))


def _lines(recipe, results, mark):
    """The lines of the table, the heading first; `mark` is the form of the best row's name."""
    heading, rows = cells(recipe, results)
    best = best_row(recipe, results)
    lines = [[mark.format(row) if row == best else row, *line] for row, line in rows.items()]
    return [["", *heading], *lines]


def _mean_and_deviation(values, decimals=1, sign=""):
    if not values:
        return ""
    text = f"{np.mean(values):{sign}.{decimals}f}"
    return text if len(values) < 2 else f"{text} ± {np.std(values, ddof=1):.{decimals}f}"
