"""Balancings on NYUv2 and rooms, after LibMTL, Lin & Zhang, JMLR 2023: which one, if any?"""

from keras_mtl.balancing import (
    DBMTL,
    FAMO,
    MGDA,
    AlignedMTL,
    CAGrad,
    DynamicWeightAverage,
    FairGrad,
    GeometricMean,
    GradNorm,
    IMTLGrad,
    NashMTL,
    PCGrad,
    SmoothTchebycheff,
    Uncertainty,
    UPGrad,
)
from keras_mtl.recipes.ada_share import ends
from keras_mtl.recipes.problems.deeplab import MINI, SMALL, DeepLabSettings, deeplab_problem
from keras_mtl.recipes.problems.dense import TASKS
from keras_mtl.recipes.recipe import Recipe, stitched
from keras_mtl.study import Budget, hard_sharing, one_task, with_balancing

HARD = (
    *(Uncertainty(), DynamicWeightAverage(), GeometricMean(), FAMO(), SmoothTchebycheff()),
    *(MGDA(), PCGrad(), CAGrad(0.4), IMTLGrad(), NashMTL(), AlignedMTL(), UPGrad(), GradNorm()),
    # With its own alpha of 1 it would be NashMTL again.
    *(FairGrad(2.0), DBMTL()),
)
"""The balancings of hard sharing: those of losses, then those of gradients."""
STITCHED = Uncertainty(), PCGrad(), DBMTL()
"""Those of cross-stitch: of losses, of what conflicts, and of how long gradients are."""
WEIGHTS = dict.fromkeys(TASKS, 1.0)
"""Those of the losses, as LibMTL has them: to find others is what a balancing is for."""
LIBMTL_STEPS = 200 * (795 // 8)
"""200 epochs of whole batches."""

PRESETS = {
    # From random weights, on two cores in minutes. Rates, lengths and sizes are ours.
    "mini": DeepLabSettings(
        **{**MINI, "train_images": 600},  # Eight epochs, by which some balancings go.
        size=64,
        validation_images=150,
        network=SMALL,
        steps=Budget(0, 300),
        task_weights=WEIGHTS,
    ),
    "paper": DeepLabSettings(
        size=288,  # By 384.
        train_images=795,
        validation_images=60,
        test_images=654,
        batch_size=8,
        network={"depth": 50, "features": 256},
        steps=Budget(0, LIBMTL_STEPS, annealed=False, falls_every=LIBMTL_STEPS // 2, falls_by=0.5),
        rate=1e-4,
        weight_decay=1e-5,
        alpha_rate=1.0,
        task_weights=WEIGHTS,
    ),
}


def balanced_stitches(method):
    """The row of the stitched network under a balancing."""
    plain = stitched(ends, "tower")
    return lambda settings, data, tasks: with_balancing(plain(settings, data, tasks), method)


def rows():
    """Each sharing alone and under its balancings; all learn jointly from their first step."""
    found = {"one-task": one_task(), "hard sharing": hard_sharing()}
    found |= {each.name: each for each in (with_balancing(hard_sharing(), x) for x in HARD)}
    found["cross-stitch"] = stitched(ends, "tower")
    for method in STITCHED:
        found[f"cross-stitch + {type(method).__name__}"] = balanced_stitches(method)
    return found


RECIPES = [
    Recipe(
        name="balancing_rooms",
        title="Balancing on rooms: what does it give three dense tasks, under which sharing?",
        source="Lin & Zhang, LibMTL: A Python Library for Deep Multi-Task Learning, JMLR 2023",
        text="""\
One-task networks; one network that all tasks share, alone and under fifteen balancings; and towers
with cross-stitch units, alone and under three. All losses have a weight of 1, so that what a row
gains over its sharing alone is the balancing's. Every row has the same steps, batches and rates, in
one part, for a balancing begins anew with each part: stitched towers start from random weights too,
not from the one-task networks. The page shows the gains as a table, the sharings by the balancings;
the table of the recipe has size and MACs, which no balancing changes. Options are those of
`keras_mtl.balancing`, but for the `c` of CAGrad, 0.4, and the `alpha` of FairGrad, 2.

`paper` has the settings of LibMTL's example on NYUv2: a dilated ResNet-50, pictures of 288×384,
Adam at 1e-4, which is halved behind half of the 19,800 steps, batches of 8, no other versions of
pictures. What differs: 40 classes for 13; 60 of the training's pictures are held out, so that the
steps are 216 epochs for 200; the head is that of AdaShare, the sum of four branches, with 256
features; Adam has a first beta of 0.5, and weight decay of 1e-5 is taken off the weights, not added
to the gradient; and towers are random unless `--weights` is a file of ImageNet's, with which LibMTL
starts. Its numbers are therefore not to be expected. `mini` takes about a quarter of an hour a seed
on 2 cores.
""",
        problem=deeplab_problem(TASKS, "nyuv2"),
        presets=PRESETS,
        rows=rows(),
    ),
]
