"""Cross-stitch networks, Misra et al., CVPR 2016: every table, and two comparisons in the text."""

import dataclasses
import functools
from fractions import Fraction

import numpy as np

from keras_mtl.applications.catalog import MISRA
from keras_mtl.applications.cross_stitch_fast_rcnn import AFTER as FAST_RCNN
from keras_mtl.applications.cross_stitch_fcn import AFTER
from keras_mtl.ensemble import Ensemble
from keras_mtl.geometry import rectify_normals
from keras_mtl.metrics import NormalsScores
from keras_mtl.optimizers import SGD
from keras_mtl.recipes.figures import draw_dense, draw_detection, draw_sorted_alphas, draw_starved
from keras_mtl.recipes.problems import dense, detection
from keras_mtl.recipes.problems.dense import DENSE, DROPOUT
from keras_mtl.recipes.problems.detection import DETECTION
from keras_mtl.recipes.recipe import Extra, Recipe, stitched
from keras_mtl.sharing import LatentShared
from keras_mtl.study import Budget, Contender, ensemble, one_task, split

PLACES = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "heads")
SPLITS = {f"split {at}": split(at) for at in PLACES}
RATE = 1e-3
"""Of Table 2's further steps."""
CONVOLUTIONS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")


def latent_shared(head_of):
    """A row: MTL-shared, whose dropout is before the basis, not in the heads."""

    def contender(settings, data, tasks):
        return Contender(
            "MTL-shared",
            lambda seed: LatentShared(settings.latent_size, DROPOUT, seed=seed),
            heads={task: head_of(settings, data, task, 0.0) for task in tasks},
        )

    return contender


def of_table2(row):
    """A row of Table 2: further steps of the one-task networks are at the rate of the paper."""

    def contender(settings, data, tasks):
        made = row(settings, data, tasks) if callable(row) else row
        made = dataclasses.replace(made, start="one-task")
        if settings.rate == RATE:
            return made
        optimizer = SGD(RATE, settings.momentum, weight_decay=settings.weight_decay)
        return dataclasses.replace(made, optimizer=optimizer)

    return contender


def rectified(run, seed, networks):
    """The scores of networks whose normals are turned into each picture's Manhattan frame."""
    study, vote = run.study, Ensemble(networks)
    scores, metric = study.scores(networks, study.test), NormalsScores()
    if "normals" in study.tasks:
        batches = study.test.batches({"normals": "normals"}, study.batch_size)
        for number in range(len(batches)):
            images, known = batches[number]
            normals = run.data.codebook.decode(vote.predict_on_batch(images)["normals"])
            metric.update_state(known["normals"], rectify_normals(np.asarray(normals)))
        scores["normals"] = {name: float(value) for name, value in metric.result().items()}
    return networks, scores


def untrained(run, seed, networks):
    """One-task networks with random weights: what no training gives."""
    first = [each.start[0] for each in run.row_of("one-task", seed).networks]
    made = [each.built(run.study, each.sharing) for each in first]
    return made, run.study.scores(made, run.study.test)


SHARES = ("1/24", "1/12", "1/6", "1/3")
"""Of the labels of segmentation: of 1,200 pictures 50 to 400."""


def starved(row, share):
    """A row whose networks learn from a share of the labels of segmentation, and all others."""

    def contender(settings, data, tasks):
        made = row(settings, data, tasks) if callable(row) else row
        count = max(1, round(len(data.train["image"]) * float(Fraction(share))))
        return dataclasses.replace(made, labels={"segmentation": count})

    return contender


FEW_LABELS = {
    "mini": dataclasses.replace(dense.PRESETS["mini"], mix="equal", steps=Budget(190, 150)),
    "paper": dataclasses.replace(dense.PRESETS["paper"], mix="equal"),
}
"""Half of each batch has labels of segmentation: with its share of the pictures, a 24th, both tasks
scored worse on the validation split (one seed, the network that splits at the heads). `mini` has
half of the steps, for it has many rows."""

cross_stitch_table = functools.partial(
    Recipe, source=MISRA, problem=DENSE, presets=dense.PRESETS, draw=draw_sorted_alphas
)

RECIPES = [
    cross_stitch_table(
        name="cross_stitch_table1",
        title="Cross-stitch networks, Table 1: where should the alphas start?",
        text="""\
Section 5.1, Table 1, and the sorted alphas of Table 4: the same one-task networks, stitched with
alphas that start at (same task, different task) = (0.1, 0.9) to (0.9, 0.1).

On NYUv2 the paper reports 34.6° mean error and 18.2 mean IU for (0.1, 0.9), 34.0° and 18.9 for
(0.9, 0.1). `mini` takes 3 minutes a seed on 2 cores on top of `cross_stitch_table5`.
""",
        rows={
            "one-task": one_task(),
            **{
                f"({same}, {1 - same:.1f})": stitched(AFTER, alpha=(same, round(1 - same, 1)))
                for same in (0.1, 0.5, 0.7, 0.9)
            },
        },
        paper={
            "(0.1, 0.9)": (34.6, 18.8, 38.5, 53.7, 59.4, 47.9, 18.2, 33.3),
            "(0.5, 0.5)": (34.4, 18.8, 38.5, 53.7, 59.5, 47.2, 18.6, 33.8),
            "(0.7, 0.3)": (34.0, 18.3, 38.9, 54.3, 60.1, 48.0, 18.6, 33.6),
            "(0.9, 0.1)": (34.0, 18.3, 39.0, 54.4, 60.2, 48.2, 18.9, 34.0),
        },
    ),
    cross_stitch_table(
        name="cross_stitch_table2",
        title="Cross-stitch networks, Table 2: how fast should the alphas learn?",
        text="""\
Section 5.2, Table 2: the same one-task networks, stitched and trained on at FCN-AlexNet's rate of
0.001, with the alphas at 1 to 10⁵ times that rate; the one-task networks train on at the same rate.
Δα is the mean distance of the alphas from where they started.

On NYUv2 the paper reports 34.6° mean error and 18.6 mean IU with a factor of 1, 34.1° and 19.3 with
10³, and that the loss diverges with a higher one. `mini` takes 5 minutes a seed on 2 cores on top
of `cross_stitch_table5`.
""",
        rows={
            "one-task": of_table2(one_task()),
            **{
                f"factor {factor:,}": of_table2(stitched(AFTER, learning_rate_multiplier=factor))
                for factor in (1, 10, 100, 1000, 100_000)
            },
        },
        paper={
            "factor 1": (34.6, 18.9, 38.4, 53.7, 59.4, 47.7, 18.6, 33.5),
            "factor 10": (34.5, 18.8, 38.5, 53.8, 59.5, 47.8, 18.7, 33.5),
            "factor 100": (34.0, 18.3, 39.0, 54.4, 60.2, 48.0, 18.9, 33.8),
            "factor 1,000": (34.1, 18.2, 39.2, 54.4, 60.2, 47.2, 19.3, 34.0),
        },
    ),
    cross_stitch_table(
        name="cross_stitch_table3",
        title="Cross-stitch networks, Table 3: from which weights should the towers start?",
        text="""\
Section 5.3, Table 3: towers that start from random weights, from a network that has learned which
classes a picture shows (labels of whole pictures, as ImageNet has them), and from the one-task
networks. The first two are trained longer, by the steps of a one-task network. With `--weights
FILE`, CaffeNet's `.caffemodel` of ImageNet, all networks start from it, and the row "from random"
is the paper's "from ImageNet".

On NYUv2 the paper reports 34.6° mean error and 17.7 mean IU from ImageNet, 34.1° and 19.3 from
one-task networks. `mini` was not timed.
""",
        rows={
            "one-task": one_task(),
            "from random": stitched(AFTER, start="tower"),
            "from image labels": stitched(AFTER, start=dense.IMAGE_LABELS),
            "from one-task": stitched(AFTER),
        },
        paper={
            "from ImageNet": (34.6, 18.8, 38.6, 53.7, 59.4, 48.0, 17.7, 33.4),
            "from one-task": (34.1, 18.2, 39.0, 54.4, 60.2, 47.2, 19.3, 34.0),
        },
    ),
    cross_stitch_table(
        name="cross_stitch_table5",
        title="Cross-stitch networks, Table 5: what should segmentation and surface normals share?",
        text="""\
Tables 4 and 5, Figures 2 and 6: one-task networks, an ensemble of two a task, the network that
splits at each layer (what stands before is shared), MTL-shared, and the network stitched from the
one-task networks. All have the same number of steps (with `paper`, the joint networks those of the
longer one-task training). A split at conv1 shares nothing: that is the one-task row. `--tasks
segmentation normals depth` stitches three towers. The small preset's rate and the factor of 10 on
its alphas were chosen on the validation split, for the one-task and the cross-stitched networks;
the other rows take the same rate.

On NYUv2 the paper reports 34.1° mean error and 19.3 mean IU for cross-stitch against 34.8° and
18.4 for one-task networks. `mini` takes about 20 minutes a seed on 2 cores; `paper` days on one
GPU.
""",
        rows={
            "one-task": one_task(),
            "ensemble": ensemble(),
            **SPLITS,
            "MTL-shared": latent_shared(dense.head_of),
            "cross-stitch": stitched(AFTER),
        },
        paper={
            "one-task": (34.8, 19.0, 38.3, 53.5, 59.2, 46.6, 18.4, 33.1),
            "ensemble": (34.4, 18.5, 38.7, 54.2, 59.7, 48.2, 18.9, 33.8),
            "split conv4": (34.7, 19.1, 38.2, 53.4, 59.2, 47.8, 19.2, 33.8),
            "MTL-shared": (34.7, 18.9, 37.7, 53.5, 58.8, 45.9, 16.6, 30.1),
            "cross-stitch": (34.1, 18.2, 39.0, 54.4, 60.2, 47.2, 19.3, 34.0),
        },
        draw=draw_dense,
        competing=tuple(SPLITS),
    ),
    Recipe(
        name="cross_stitch_table6",
        title="Cross-stitch networks, Table 6: what should detection and attributes share?",
        source=MISRA,
        text="""\
Table 6 and Figures 2 and 5: one-task networks, an ensemble of two a task, networks that split,
MTL-shared, and the network stitched from the one-task networks, all Fast R-CNNs with the same
number of steps; and networks that were not trained. Scores are VOC's mean AP of detections, and the
mean AP of attributes over the true boxes. `rooms` has no proposal method of its own: its regions
are jittered true boxes and random ones, in training and in the test, so that its detection scores
compare networks with one another, not with those on photographs. With `voc2008_attributes` they
come from selective search.

The paper reports 45.2 and 63.0 mAP for cross-stitch against 44.9 and 60.9 for one-task networks.
`mini` takes 13 minutes a seed on 2 cores.
""",
        problem=DETECTION,
        presets=detection.PRESETS,
        rows={
            "untrained": Extra("one-task", untrained),
            "one-task": one_task(),
            "ensemble": ensemble(),
            **SPLITS,
            "MTL-shared": latent_shared(detection.head_of),
            "cross-stitch": stitched(FAST_RCNN, per_channel=False),
        },
        default_rows=(
            *("untrained", "one-task", "ensemble", "split conv2", "split fc7"),
            *("MTL-shared", "cross-stitch"),
        ),
        paper={
            "one-task": (44.9, 60.9),
            "ensemble": (46.1, 61.1),
            "split conv2": (44.6, 61.0),
            "split fc7": (44.8, 59.7),
            "MTL-shared": (42.7, 54.1),
            "cross-stitch": (45.2, 63.0),
        },
        draw=draw_detection,
        competing=tuple(SPLITS),
    ),
    cross_stitch_table(
        name="cross_stitch_starved",
        title="Cross-stitch networks: what does sharing give a task that has few labels?",
        text="""\
Sections 6.3 and 6.5, "data-starved" classes and attributes, as a question of tasks: segmentation
has labels of a 24th, a 12th, a sixth and a third of the pictures (in `mini` 50 to 400 of 1,200),
normals have all of theirs. One-task networks learn from the labelled pictures alone, the others
from all: half of each batch are pictures with both labels, also where those are few. The figure has
the scores of segmentation, and what each gains over the one-task network with as many labels.

The paper found that classes and attributes with little data gain most from cross-stitching.
`mini` has half of the steps of Table 5, and takes half an hour a seed on 2 cores.
""",
        presets=FEW_LABELS,
        rows={
            f"{name} {share}".strip(): starved(row, share) if share else row
            for share in ("", *SHARES)
            for name, row in (
                ("one-task", one_task()),
                ("split heads", SPLITS["split heads"]),
                ("split conv4", SPLITS["split conv4"]),
                ("cross-stitch", stitched(AFTER)),
            )
        },
        default_rows=tuple(
            f"{name} {share}".strip()
            for share in ("", *SHARES)
            for name in ("one-task", "split heads", "cross-stitch")
        ),
        draw=draw_starved,
    ),
    cross_stitch_table(
        name="cross_stitch_granularity",
        title="Cross-stitch networks: a unit for each channel, or one for the whole layer?",
        text="""\
Sections 5 and 6, per channel for segmentation and normals, per layer for detection and attributes:
the same one-task networks, stitched both ways, with the same factor on the alphas' rate: in `mini`
that which was chosen for a unit per channel.

The paper gives no numbers. `mini` takes a minute a seed on 2 cores on top of `cross_stitch_table5`.
""",
        rows={
            "one-task": one_task(),
            "per layer": stitched(AFTER, per_channel=False),
            "per channel": stitched(AFTER),
        },
    ),
    cross_stitch_table(
        name="cross_stitch_manhattan",
        title="Cross-stitch networks: what does the Manhattan-world post-processing of normals do?",
        text="""\
Section 5, "Setup for Surface Normal Prediction": the one-task and the cross-stitched networks of
Table 5 as they are, and with predicted normals that lie within 25° of an axis of the picture's
Manhattan frame turned into that axis.

The paper's normals are post-processed so; it does not say by how much that helps. `mini` takes half
a minute a seed on 2 cores on top of `cross_stitch_table5`.
""",
        draw=None,
        rows={
            "one-task": one_task(),
            "one-task, rectified": Extra("one-task", rectified),
            "cross-stitch": stitched(AFTER),
            "cross-stitch, rectified": Extra("cross-stitch", rectified),
        },
    ),
    cross_stitch_table(
        name="cross_stitch_placement",
        title="Cross-stitch networks: units after pooling, or after every convolution?",
        text="""\
Section 5, "Cross-stitching": the same one-task networks, stitched behind pool1, pool2, pool5, fc6
and fc7, and behind conv1 to conv5, fc6 and fc7.

The paper found that units after pooling do better, and gives no numbers. `mini` takes a minute a
seed on 2 cores on top of `cross_stitch_table5`.
""",
        rows={
            "one-task": one_task(),
            "after convolutions": stitched(CONVOLUTIONS),
            "after pooling": stitched(AFTER),
        },
    ),
]
