"""What the tables of branched networks have in common: their rows and their pictures."""

from keras_mtl import plots
from recipes._branched_networks import BranchedNetworks
from recipes._deeplab_data import DEEPLAB_COLUMNS, DEEPLAB_HEADLINES, ERRORS, DeepLabData
from recipes._table import BASELINE, Problem, Table, scored, seed_gains
from recipes.cross_stitch_table5 import one_task

SEARCHED, RANDOM, WORST = "branched", "random tree", "worst tree"


def branched_rows(budgets):
    """The rows of a table; budgets are whole numbers of copies of the tower."""
    rows = {
        BASELINE: one_task,
        "hard sharing": lambda networks: [networks.hard_sharing()],
        "cross-stitch": lambda networks: [networks.cross_stitched()],
    }
    for copies in budgets:
        rows |= {
            f"{SEARCHED} {copies}×": lambda networks, copies=copies: [networks.branched(copies)],
            f"{RANDOM} {copies}×": lambda networks, copies=copies: [networks.random_tree(copies)],
            f"{WORST} {copies}×": lambda networks, copies=copies: [networks.worst_tree(copies)],
        }
    return rows


def branched_table(recipe, presets, tasks, budgets, paper_data, data_set=None):
    """A table of branched networks for dense tasks.

    Args:
        recipe: name of the module.
        presets: dict from name to `DeepLabSettings`.
        tasks: names of the tasks.
        budgets: as of `branched_rows`.
        paper_data: what the paper calls its data.
        data_set: name of its reader, if it is another than `rooms`.
    """
    problem = Problem(
        folder=recipe,
        presets=presets,
        data_sets=tuple(filter(None, ("rooms", data_set))),
        load=lambda name, settings, data_dir: DeepLabData(name, settings),
        networks=BranchedNetworks,
        tasks=tasks,
        pair=tasks,
        columns=DEEPLAB_COLUMNS,
        headlines=DEEPLAB_HEADLINES,
        lower_is_better=ERRORS,
        paper_data=paper_data,
    )
    return Table(problem=problem, recipe=recipe, rows=branched_rows(budgets), paper={}, draw=draw)


def draw(table, networks, results, folder):
    """Draws performance by size, and the first seed's affinities and trees, into the folder."""
    plt = plots.pyplot()
    figure, axes = plt.subplots(figsize=(7, 4))
    draw_performance(axes, table, results)
    figure.tight_layout()
    figure.savefig(folder / "performance.png", dpi=100)
    budgets = [row.split()[-1].rstrip("×") for row in table.rows if row.startswith(SEARCHED)]
    if any("0" in scored(results, f"{SEARCHED} {copies}×") for copies in budgets):
        draw_affinities(networks.found).savefig(folder / "affinities.png", dpi=80)
        trees = {f"{copies}×": networks.tree(int(copies)) for copies in budgets}
        draw_trees(trees).savefig(folder / "trees.png", dpi=80)
    plt.close("all")


def draw_performance(axes, table, results):
    """Gain over the one-task networks against parameters, of searched trees and of others."""
    series = {}
    for row, of_row in results["rows"].items():
        kind = next((kind for kind in (SEARCHED, RANDOM, WORST) if row.startswith(kind)), row)
        gains = seed_gains(table, results, row)
        if gains:
            series.setdefault(kind, []).append((of_row["parameters"], gains))
    if series:
        plots.performance_by_size(axes, series)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylabel("mean gain over one-task networks (%)")


def draw_affinities(found):
    """How alike the one-task networks are, a panel for each location."""
    count, tasks = len(found["locations"]), found["tasks"]
    columns = min(count, 5)
    side = 1.2 + max(2.0, 0.3 * len(tasks))
    rows = -(-count // columns)
    figure, axes = plots.pyplot().subplots(
        rows, columns, figsize=(side * columns, side * rows), squeeze=False
    )
    for axis in axes.flat[count:]:
        axis.set_axis_off()
    for axis, location, matrix in zip(
        axes.flat, found["locations"], found["affinity"], strict=False
    ):
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
