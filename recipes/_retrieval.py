"""What the tables of embeddings have in common: their problem and their rows."""

import functools

from keras_mtl.recipes._comparison import BASELINE
from keras_mtl.recipes._problem import Problem
from keras_mtl.recipes._retrieval_data import COLUMNS, HEADLINES, TASKS, RetrievalData
from keras_mtl.recipes._retrieval_figures import draw
from keras_mtl.recipes._retrieval_networks import RetrievalNetworks
from keras_mtl.recipes._table import Table

ROWS = {
    BASELINE: lambda networks: [networks.one_task(task) for task in networks.tasks],
    "fully shared": lambda networks: [networks.shared()],
    "masks": lambda networks: [networks.masks()],
    "modulated": lambda networks: [networks.modulated()],
    "projected": lambda networks: [networks.projected()],
}


def retrieval_table(recipe, presets, labels, paper_data, data_sets):
    """A table of embeddings.

    Args:
        recipe: name of the module.
        presets: dict from name to `RetrievalSettings`.
        labels: as of `RetrievalData`.
        paper_data: what the paper calls its data.
        data_sets: names of the data sets beside `rooms`.
    """
    problem = Problem(
        folder=recipe,
        presets=presets,
        data_sets=("rooms", *data_sets),
        load=functools.partial(RetrievalData, labels=labels),
        networks=RetrievalNetworks,
        tasks=TASKS,
        pair=TASKS,
        columns=COLUMNS,
        headlines=HEADLINES,
        lower_is_better=(),
        paper_data=paper_data,
        checkpoints=False,
    )
    return Table(
        problem=problem,
        recipe=recipe,
        rows=ROWS,
        paper={},
        draw=draw,
        default_rows=(BASELINE, "fully shared", "masks", "modulated"),
    )
