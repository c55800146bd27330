"""The problem of the detection tables: objects and their attributes."""

from keras_mtl.recipes._detection_data import (
    COLUMNS,
    DATA_SETS,
    HEADLINES,
    PAIR,
    TASKS,
    DetectionData,
)
from keras_mtl.recipes._detection_networks import DetectionNetworks
from keras_mtl.recipes._detection_settings import PRESETS
from keras_mtl.recipes._problem import Problem

DETECTION = Problem(
    folder="cross_stitch_detection",
    presets=PRESETS,
    data_sets=DATA_SETS,
    load=DetectionData,
    networks=DetectionNetworks,
    tasks=TASKS,
    pair=PAIR,
    columns=COLUMNS,
    headlines=HEADLINES,
    lower_is_better=(),
    paper_data="VOC 2008",
)
