"""Figures that several tables draw."""

import numpy as np
from keras import ops

from keras_mtl import plots
from keras_mtl.recipes._comparison import BASELINE, headline, scored


def draw_sorted_alphas(table, networks, results, folder):
    """Table 4 of the paper: the first seed's alphas, a row for each network, a panel a unit."""
    plt = plots.pyplot()
    units = {}
    for row, of_row in results["rows"].items():
        if "alphas" in of_row["seeds"].get("0", {}):
            (model,) = table.models(row, networks)
            units[row] = model.units
    if not units:
        return
    columns = max(map(len, units.values()))
    figure, axes = plt.subplots(
        len(units),
        columns,
        figsize=(2.6 * columns, 2.4 * len(units)),
        sharey=True,
        squeeze=False,
    )
    for line, (row, of_row) in zip(axes, units.items(), strict=True):
        for axis, (stage, unit) in zip(line, of_row.items(), strict=False):
            plots.sorted_alphas(axis, ops.convert_to_numpy(unit.alpha), networks.tasks)
            axis.set_title(stage, fontsize=9)
            axis.set_xlabel("")
        for axis in line[len(of_row) :]:
            axis.set_axis_off()
        line[0].set_ylabel(row)
    axes[0, 0].legend(fontsize=6)
    figure.tight_layout()
    figure.savefig(folder / "alphas.png", dpi=80)
    plt.close("all")


def draw_splits(table, results, folder):
    """Figure 2 of the paper: every split relative to the one-task networks of the same seeds."""
    known = {row: scored(results, row) for row in table.rows}
    rows = [row for row in table.rows if row.startswith("split ") and known[row]]
    stages = [row.removeprefix("split ") for row in rows]
    seeds = set(known[BASELINE]).intersection(*(known[row] for row in rows))
    if not rows or not seeds:
        return

    def scores(row, task):
        return [headline(table, known[row][seed])[task] for seed in sorted(seeds)]

    plt = plots.pyplot()
    tasks = results["tasks"]
    figure, axes = plt.subplots(figsize=(7, 4))
    plots.split_performance(
        axes,
        stages,
        {task: [scores(row, task) for row in rows] for task in tasks},
        {task: scores(BASELINE, task) for task in tasks},
        lower_is_better=[task for task in table.problem.lower_is_better if task in tasks],
    )
    figure.tight_layout()
    figure.savefig(folder / "splits.png", dpi=100)
    plt.close(figure)


def mean_gains(known, task, score):
    """What cross-stitch gains in a score of many, such as of every class: the mean over the seeds.

    Args:
        known: dict from a row's name to what `scored` returns.
        task: name of the task.
        score: name of a score that is a list.
    """
    baseline, stitched = known[BASELINE], known["cross-stitch"]
    gains = [
        np.array(stitched[seed][task][score], float) - np.array(baseline[seed][task][score], float)
        for seed in sorted(set(baseline) & set(stitched))
    ]
    return np.mean(gains, axis=0)
