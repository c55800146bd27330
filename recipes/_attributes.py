"""The problem of attributes as tasks."""

from keras_mtl.recipes._attributes_data import COLUMNS, DATA_SETS, HEADLINES, TASKS, AttributesData
from keras_mtl.recipes._attributes_networks import AttributesNetworks
from keras_mtl.recipes._attributes_settings import PRESETS
from keras_mtl.recipes._problem import Problem

ATTRIBUTES = Problem(
    folder="branched_celeba",
    presets=PRESETS,
    data_sets=DATA_SETS,
    load=AttributesData,
    networks=AttributesNetworks,
    tasks=TASKS,
    pair=TASKS,
    columns=COLUMNS,
    headlines=HEADLINES,
    lower_is_better=(),
    paper_data="CelebA",
    checkpoints=False,
)
