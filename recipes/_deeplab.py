"""The problem of DeepLab's tables: dense tasks on one kind of picture."""

from keras_mtl.recipes._deeplab_data import COLUMNS, HEADLINES, LOWER_IS_BETTER, DeepLabData
from keras_mtl.recipes._problem import Problem


def deeplab_problem(recipe, presets, tasks, paper_data, data_sets, networks, timed=False):
    """The problem of one table.

    Args:
        recipe: name of the module, and of its folder.
        presets: dict from name to `DeepLabSettings`.
        tasks: names of the tasks.
        paper_data: what the paper calls its data.
        data_sets: names of the data sets with these tasks, beside `rooms`.
        networks: the `DeepLabNetworks` of the table.
        timed: as of `Problem`.
    """
    return Problem(
        folder=recipe,
        presets=presets,
        data_sets=("rooms", *data_sets),
        load=DeepLabData,
        networks=networks,
        tasks=tasks,
        pair=tasks,
        columns=COLUMNS,
        headlines=HEADLINES,
        lower_is_better=LOWER_IS_BETTER,
        paper_data=paper_data,
        timed=timed,
    )
