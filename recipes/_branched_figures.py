"""The figures of branched networks."""

from keras_mtl import plots
from keras_mtl.recipes._comparison import scored, seed_gains, size

KINDS = ("branched", "random tree", "worst tree")
"""How rows of trees begin, before their budget."""


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
        kind = next((kind for kind in KINDS if row.startswith(kind)), row)
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
