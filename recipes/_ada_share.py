"""What AdaShare's tables have in common: their problem, their rows and their pictures."""

import numpy as np

from keras_mtl import plots
from keras_mtl.callbacks import read_policies
from keras_mtl.recipes._ada_share_networks import AdaShareNetworks
from keras_mtl.recipes._deeplab import deeplab_problem
from keras_mtl.recipes._deeplab_data import MAPS
from keras_mtl.recipes._table import Table, scored
from keras_mtl.recipes.cross_stitch_table5 import one_task, predictions

ROWS = {
    "one-task": one_task,
    "hard sharing": lambda networks: [networks.hard_sharing()],
    "cross-stitch": lambda networks: [networks.cross_stitched()],
    "AdaShare": lambda networks: [networks.ada_share()],
    "random policy": lambda networks: [networks.random_policy()],
}


def ada_share_table(recipe, presets, tasks, paper_data, data_sets):
    """A table of AdaShare.

    Args:
        recipe: name of the module.
        presets: dict from name to `AdaShareSettings`.
        tasks: names of the tasks.
        paper_data: what the paper calls its data.
        data_sets: as of `deeplab_problem`.
    """
    problem = deeplab_problem(
        recipe, presets, tasks, paper_data, data_sets, AdaShareNetworks, timed=True
    )
    return Table(problem=problem, recipe=recipe, rows=ROWS, paper={}, draw=draw)


def draw(table, networks, results, folder):
    """Draws the first seed's policy, its evolution, and predictions, into the folder."""
    plt = plots.pyplot()
    known = {row: scored(results, row) for row in table.rows}
    if "0" in known["AdaShare"]:
        (model,) = table.rows["AdaShare"](networks)
        draw_policy(model).savefig(folder / "policy.png", dpi=100)
    if networks.policy_log.exists():
        tasks, blocks, history = read_policies(networks.policy_log)
        plots.policy_history(history, tasks, blocks).savefig(
            folder / "policy_evolution.png", dpi=80
        )
    compared = ("one-task", "AdaShare")
    if all("0" in known[row] for row in compared):
        models = {row: table.rows[row](networks) for row in compared}
        shown = [task for task in networks.tasks if task not in MAPS]
        predictions(networks, models, shown).savefig(folder / "predictions.jpg", dpi=80)
    plt.close("all")


def draw_policy(model):
    """The policy of a trained network: which task executes which block."""
    policy = model.get_config()["sharing"]["config"]["policy"]
    blocks = [stage for stage in model.stages if stage != "stem"]
    figure, axes = plots.pyplot().subplots(figsize=(2 + 0.4 * len(blocks), 1.2 + 0.4 * len(policy)))
    plots.policy_map(axes, np.array(list(policy.values()), bool), list(policy), blocks)
    figure.tight_layout()
    return figure
