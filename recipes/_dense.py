"""The problem of all dense tables: a target for every pixel."""

from keras_mtl.recipes._dense_data import (
    COLUMNS,
    DATA_SETS,
    HEADLINES,
    LOWER_IS_BETTER,
    PAIR,
    TASKS,
    DenseData,
)
from keras_mtl.recipes._dense_networks import DenseNetworks
from keras_mtl.recipes._dense_settings import PRESETS
from keras_mtl.recipes._problem import Problem

DENSE = Problem(
    folder="cross_stitch",
    presets=PRESETS,
    data_sets=DATA_SETS,
    load=DenseData,
    networks=DenseNetworks,
    tasks=TASKS,
    pair=PAIR,
    columns=COLUMNS,
    headlines=HEADLINES,
    lower_is_better=LOWER_IS_BETTER,
    paper_data="NYUv2",
)
