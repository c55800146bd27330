"""What all layers have in common: shapes, configurations, files, training and precision."""

import numpy as np
import pytest
from layer_checks import CHECKS, Case, check_table, contract, draw

from keras_mtl import layers

MAP, ANY = draw(2, 8, 7, 4), ((None, None, 4),)
TOWERS = [draw(4, 5, 3, size)[..., :6] for size in (6, 7, 8)]
BOXES = np.array([[[1, 2, 9, 11], [0, 0, 24, 20]], [[4, 4, 20, 7], [8, 1, 9, 19]]], "float32")
REGIONS = {"sizes": ((None, None, 3), (None, 4)), "trained": 1, "dtype": "float32"}
REGIONS["inputs"] = ([draw(2, 5, 6, 3), BOXES],)
TASK = np.array([2, 0, 1, 2], "int32")
POOLED = {"output_size": (2, 3), "spatial_scale": 0.25, "data_format": "channels_last"}
MIXED, POLICY = draw(4, 3, 5), np.abs(draw(4, 2)) / 4
NAMES = {"tasks": ["age", "kind", "pose"], "blocks": ["one", "two", "three", "four"]}

LAYERS = {
    "deconvolution": Case(
        layers.BilinearDeconvolution,
        dict(output_size=(8, 9), strides=4, kernel_size=8, crop=(1, 2)),
        (draw(2, 3, 3, 4),),
        macs=3 * 3 * 4 * 8 * 8,
    ),
    "pooling": Case(
        *(layers.CeilMaxPooling2D, dict(pool_size=4, strides=3, padding=1), (MAP,)), sizes=ANY
    ),
    "pooling without padding": Case(layers.CeilMaxPooling2D, {}, (MAP,), sizes=ANY),
    "stitch": Case(
        layers.CrossStitch,
        dict(alpha=(0.7, 0.3), axis=1, learning_rate_multiplier=3.0),
        (TOWERS,),
        weights=1,
        sizes=((5, None, 6),) * 3,
        macs=9 * 5 * 3 * 6,
    ),
    "stitch a layer": Case(
        *(layers.CrossStitch, dict(per_channel=False), (TOWERS,)),
        **dict(weights=1, sizes=((None, None, 6),) * 3, macs=9 * 5 * 3 * 6),
    ),
    "length": Case(layers.L2Normalization, dict(axis=1), (draw(2, 4, 3),), sizes=((None, 3),)),
    "response": Case(
        layers.LocalResponseNormalization,
        *(dict(size=3, alpha=0.2, beta=0.5, k=2.0), (MAP,)),
        sizes=ANY,
    ),
    "gate of each": Case(
        layers.ModulationGate,
        dict(num_tasks=3, initializer="ones", regularizer="l1", learning_rate_multiplier=0.5),
        (TOWERS,),
        weights=1,
        sizes=((None, None, 6),) * 3,
        macs=3 * 5 * 3 * 6,
    ),
    "gate of examples": Case(
        layers.ModulationGate,
        dict(num_tasks=3, relu=False, axis=1, initializer="glorot_uniform"),
        (TOWERS[0], TASK),
        weights=1,
        sizes=((5, None, 6), ()),
        macs=5 * 3 * 6,
    ),
    "projection": Case(
        layers.ModulationGate,
        dict(num_tasks=2, per_channel=False),
        (TOWERS[0],),
        weights=1,
        sizes=((None, None, 6),),
        macs=5 * 3 * 6 * 6,
    ),
    "align": Case(layers.RoIAlign, POOLED | dict(sampling_ratio=1, aligned=False), **REGIONS),
    "regions": Case(layers.RoIPooling, POOLED, **REGIONS),
    "block": Case(
        layers.SkipBlock,
        dict(block=1, tasks=[2, 0]),
        (MIXED, MIXED[::-1], POLICY),
        sizes=((None, 5), (None, 5), (2,)),
    ),
    "block of one task": Case(
        *(layers.SkipBlock, dict(block=0, tasks=[1], split=False), (MIXED, MIXED[::-1], POLICY)),
    ),
    "policy": Case(
        layers.SkipPolicy,
        NAMES
        | dict(temperature=3.0, hard=True, form="paper", seed=4)
        | dict(sparsity_weight=0.1, agreement_weight=0.2),
        (draw(3, 5),),
        weights=1,
        fixed=2,
        trained=0,
        macs=0,
        dtype="float32",
    ),
}


@pytest.mark.one_backend
def test_the_table_is_complete():
    check_table(LAYERS, layers)


@pytest.mark.parametrize(("case", "check"), contract(LAYERS, ["block of one task"]))
def test_contract(case, check, tmp_path):
    CHECKS[check](LAYERS[case], tmp_path)
