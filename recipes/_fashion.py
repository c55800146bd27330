"""The problem of Multi-Fashion: two articles of clothing in a picture."""

from keras_mtl.recipes._fashion_data import COLUMNS, DATA_SETS, HEADLINES, TASKS, FashionData
from keras_mtl.recipes._fashion_networks import FashionNetworks
from keras_mtl.recipes._fashion_settings import PRESETS
from keras_mtl.recipes._problem import Problem

FASHION = Problem(
    folder="multi_fashion",
    presets=PRESETS,
    data_sets=DATA_SETS,
    load=FashionData,
    networks=FashionNetworks,
    tasks=TASKS,
    pair=TASKS,
    columns=COLUMNS,
    headlines=HEADLINES,
    lower_is_better=(),
    paper_data="Multi-Fashion",
    without_folder=DATA_SETS,
    decimals=2,
    checkpoints=False,
)
