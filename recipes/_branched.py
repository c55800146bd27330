"""What the tables of branched networks have in common: their rows and their pictures."""

from keras_mtl import plots
from keras_mtl.recipes._branched_networks import BranchedNetworks
from keras_mtl.recipes._deeplab import deeplab_problem
from keras_mtl.recipes._table import BASELINE, Table, scored, seed_gains, size
from keras_mtl.recipes._tree_rows import TreeRows
from keras_mtl.recipes.cross_stitch_table5 import one_task

TREES = {
    "branched": TreeRows.branched,
    "random tree": TreeRows.random_tree,
    "worst tree": TreeRows.worst_tree,
}
"""Kinds of trees, of which a table has a row for every budget."""


def branched_rows(budgets):
    """The rows of a table.

    Args:
        budgets: whole numbers of copies of the tower, less than there are tasks. With one copy all
            trees are the same.
    """
    rows = {
        BASELINE: one_task,
        "hard sharing": lambda networks: [networks.hard_sharing()],
        "cross-stitch": lambda networks: [networks.cross_stitched()],
    }
    for copies in budgets:
        for kind, tree in list(TREES.items())[: 1 if copies == 1 else None]:
            rows[f"{kind} {copies}×"] = lambda networks, tree=tree, copies=copies: [
                tree(networks, copies)
            ]
    return rows


def branched_table(recipe, presets, tasks, budgets, paper_data, data_sets, default_budgets=None):
    """A table of branched networks for dense tasks.

    Args:
        recipe: name of the module.
        presets: dict from name to `DeepLabSettings`.
        tasks: names of the tasks.
        budgets: as of `branched_rows`.
        paper_data: what the paper calls its data.
        data_sets: as of `deeplab_problem`.
        default_budgets: those of which rows are run if none are asked for; all if `None`.
    """
    problem = deeplab_problem(recipe, presets, tasks, paper_data, data_sets, BranchedNetworks)
    return Table(
        problem=problem,
        recipe=recipe,
        rows=branched_rows(budgets),
        paper={},
        draw=draw,
        default_rows=tuple(branched_rows(default_budgets or budgets)),
    )


def draw(table, networks, results, folder):
    """Draws performance by size, and the first seed's affinities and trees, into the folder."""
    plt = plots.pyplot()
    figure, axes = plt.subplots(figsize=(7, 4))
    draw_performance(axes, table, results)
    figure.tight_layout()
    figure.savefig(folder / "performance.png", dpi=100)
    if (networks.folder / "trees.json").exists():
        whole = {"dpi": 80, "bbox_inches": "tight"}
        draw_affinities(networks.report).savefig(folder / "affinities.png", **whole)
        known = {row: scored(results, row) for row in table.rows if row.startswith("branched")}
        searched = {row: seeds["0"]["trees"][0] for row, seeds in known.items() if "0" in seeds}
        if searched:
            draw_trees(searched).savefig(folder / "trees.png", **whole)
    plt.close("all")


def draw_performance(axes, table, results):
    """Gain over the one-task networks against parameters, of searched trees and of others."""
    series = {}
    for row, of_row in results["rows"].items():
        kind = next((kind for kind in TREES if row.startswith(kind)), row)
        gains = seed_gains(table, results, row)
        if gains:
            series.setdefault(kind, []).append((size(of_row, "parameters"), gains))
    if series:
        plots.performance_by_size(axes, series)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylabel("mean gain over one-task networks (%)")


def draw_affinities(report):
    """How alike the one-task networks are, a panel for each location."""
    count, tasks = len(report.locations), report.tasks
    columns = min(count, 5)
    side = 1.2 + max(2.0, 0.3 * len(tasks))
    rows = -(-count // columns)
    figure, axes = plots.pyplot().subplots(
        rows, columns, figsize=(side * columns, side * rows), squeeze=False
    )
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    for axis, location, matrix in zip(axes.flat, report.locations, report.affinity, strict=False):
        plots.affinity(axis, matrix, tasks)
        axis.set_title(location)
    figure.tight_layout()
    return figure


def draw_trees(trees):
    """Trees side by side, a dict from title to tree."""
    tree = next(iter(trees.values()))
    num_tasks = len({task for group in next(iter(tree.values())) for task in group})
    width = max(3.5, 0.35 * num_tasks)
    figure, axes = plots.pyplot().subplots(
        1, len(trees), figsize=(width * len(trees), 1.5 + 0.5 * len(tree)), squeeze=False
    )
    for axis, (title, tree) in zip(axes.flat, trees.items(), strict=True):
        plots.sharing_tree(axis, tree)
        axis.set_title(title)
    figure.tight_layout()
    return figure
