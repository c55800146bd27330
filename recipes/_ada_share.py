"""What AdaShare's tables have in common: their problem and their rows."""

from keras_mtl.recipes._ada_share_figures import draw
from keras_mtl.recipes._ada_share_networks import AdaShareNetworks
from keras_mtl.recipes._comparison import BASELINE
from keras_mtl.recipes._deeplab import deeplab_problem
from keras_mtl.recipes._rows import cross_stitch, hard_sharing, one_task
from keras_mtl.recipes._table import Table

ROWS = {
    BASELINE: one_task,
    "hard sharing": hard_sharing,
    "cross-stitch": cross_stitch,
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
