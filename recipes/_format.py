"""Results as a table, in text and in Markdown."""

import numpy as np

from keras_mtl._text_table import text_table
from keras_mtl.recipes._comparison import best_row, seed_gains, size


def cells(table, results):
    """The table of some results as a heading and rows of text.

    Returns:
        `(heading, rows)`: a list of strings, and a dict from row name to such a list. Scores are
        mean ± sample deviation over the seeds that a row has; the mean relative gain is over the
        one-task networks of the same seeds.
    """
    of_task = table.problem.columns
    tasks = [task for task in of_task if task in results["tasks"]]
    columns = [(task, *spec) for task in tasks for spec in of_task[task].values()]
    heading = [name for task in tasks for name in of_task[task]]
    heading += ["gain in %", "Δα", "parameters", "M MACs"]
    heading += ["M MACs by task", "ms"] if table.problem.timed else []
    heading.append("seeds")
    rows = {}
    for row, of_row in results["rows"].items():
        entries = of_row["seeds"].values()
        if any("diverged" in entry for entry in entries):
            count = sum("diverged" in entry for entry in entries)
            rows[row] = [f"diverged with {count} of {len(entries)} seeds"]
            continue
        line = [
            _mean_and_deviation(
                [factor * entry[task][key] for entry in entries if key in entry[task]],
                table.problem.decimals,
            )
            for task, key, factor in columns
        ]
        gains = seed_gains(table, results, row)
        line.append(_mean_and_deviation(gains, sign="+"))
        moved = [
            np.mean([unit["moved"] for unit in entry["alphas"].values()])
            for entry in entries
            if "alphas" in entry
        ]
        line.append(f"{np.mean(moved):.3f}" if moved else "")
        line += [f"{size(of_row, 'parameters'):,.0f}", f"{size(of_row, 'macs') / 1e6:,.0f}"]
        if table.problem.timed:
            line.append(f"{of_row['task_macs'] / 1e6:,.0f}")
            line.append(f"{of_row['inference_ms']:.1f}" if "inference_ms" in of_row else "")
        line.append(str(len(entries)))
        rows[row] = line
    return heading, rows


def format_table(table, results):
    """The table as text, with the paper's own rows for its preset."""
    heading, rows = cells(table, results)
    best = best_row(table, results)
    lines = [[f"{row} (best)" if row == best else row, *line] for row, line in rows.items()]
    text = f"{table.recipe}: {results['data']}, preset {results['preset']}, {results['backend']}\n"
    text += text_table([["", *heading], *lines])
    problem = table.problem
    if results["preset"] == "paper" and table.paper and set(problem.pair) == set(results["tasks"]):
        lines = [
            [row, *(f"{value:.{problem.decimals}f}" for value in line)]
            for row, line in table.paper.items()
        ]
        columns = heading[: len(lines[0]) - 1]
        text += f"\n\nThe paper, on {problem.paper_data}:\n" + text_table([["", *columns], *lines])
    return text


def format_markdown(table, results):
    """The table as Markdown."""
    heading, rows = cells(table, results)
    best = best_row(table, results)
    lines = [["", *heading], ["---"] * (1 + len(heading))]
    for row, line in rows.items():
        lines.append([f"**{row}** (best)" if row == best else row, *line])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _mean_and_deviation(values, decimals=1, sign=""):
    if not values:
        return ""
    text = f"{np.mean(values):{sign}.{decimals}f}"
    return text if len(values) < 2 else f"{text} ± {np.std(values, ddof=1):.{decimals}f}"
