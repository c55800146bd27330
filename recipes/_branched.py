"""What the tables of branched networks have in common: their rows and their problem."""

from keras_mtl.recipes._branched_figures import KINDS, draw
from keras_mtl.recipes._branched_networks import BranchedNetworks
from keras_mtl.recipes._comparison import BASELINE
from keras_mtl.recipes._deeplab import deeplab_problem
from keras_mtl.recipes._rows import cross_stitch, hard_sharing, one_task
from keras_mtl.recipes._table import Table
from keras_mtl.recipes._tree_rows import TreeRows

TREES = dict(
    zip(KINDS, (TreeRows.branched, TreeRows.random_tree, TreeRows.worst_tree), strict=True)
)
"""Kinds of trees, of which a table has a row for every budget."""


def branched_rows(budgets):
    """The rows of a table.

    Args:
        budgets: whole numbers of copies of the tower, less than there are tasks. With one copy all
            trees are the same.
    """
    rows = {
        BASELINE: one_task,
        "hard sharing": hard_sharing,
        "cross-stitch": cross_stitch,
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
