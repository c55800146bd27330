"""The figures of AdaShare's tables."""

import numpy as np

from keras_mtl import plots
from keras_mtl.callbacks import read_policies
from keras_mtl.recipes._comparison import BASELINE, scored
from keras_mtl.recipes._deeplab_data import MAPS
from keras_mtl.recipes._dense_figures import draw_predictions


def draw(table, networks, results, folder):
    """Draws the first seed's policy, its evolution, and predictions, into the folder."""
    plt = plots.pyplot()
    known = {row: scored(results, row) for row in table.rows}
    if "0" in known["AdaShare"]:
        (model,) = table.models("AdaShare", networks)
        draw_policy(model).savefig(folder / "policy.png", dpi=100)
    if networks.policy_log.exists():
        tasks, blocks, history = read_policies(networks.policy_log)
        plots.policy_history(history, tasks, blocks).savefig(
            folder / "policy_evolution.png", dpi=80
        )
    compared = (BASELINE, "AdaShare")
    if all("0" in known[row] for row in compared):
        models = {row: table.models(row, networks) for row in compared}
        shown = [task for task in networks.tasks if task not in MAPS]
        draw_predictions(networks, models, shown).savefig(folder / "predictions.jpg", dpi=80)
    plt.close("all")


def draw_policy(model):
    """The policy of a trained network: which task executes which block."""
    policy = model.get_config()["sharing"]["config"]["policy"]
    blocks = [stage for stage in model.stages if stage != "stem"]
    figure, axes = plots.pyplot().subplots(figsize=(2 + 0.4 * len(blocks), 1.2 + 0.4 * len(policy)))
    plots.policy_map(axes, np.array(list(policy.values()), bool), list(policy), blocks)
    figure.tight_layout()
    return figure
