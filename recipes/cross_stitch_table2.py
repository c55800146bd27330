"""Cross-stitch networks, Table 2: how fast should the alphas learn?

Misra et al., CVPR 2016, section 5.2, Table 2.

    keras-mtl train cross_stitch_table2 --preset mini --seeds 3

stitches the same one-task networks and trains them at FCN-AlexNet's rate of 0.001, with the alphas
at 1, 10, 10², 10³ and 10⁵ times that rate; the one-task networks train on at the same rate. Prints
the paper's columns, mean ± deviation over the seeds, and Δα, the mean distance of the alphas from
where they started; draws the sorted alphas of every factor.

On NYUv2 the paper reports 34.6° mean error and 18.6 mean IU with a factor of 1, 34.1° and 19.3 with
10³, and that the loss diverges with a higher one.

`mini` takes 5 minutes a seed on 2 cores on top of `recipes.cross_stitch_table5`, whose networks it
takes from the same output folder.
"""

from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._figures import draw_sorted_alphas
from keras_mtl.recipes._table import Table

FACTORS = (1, 10, 100, 1000, 100_000)
LEARNING_RATE = 1e-3


def one_task(networks):
    return [networks.further(task, learning_rate=LEARNING_RATE) for task in networks.tasks]


def scaled(networks, factor):
    settings = networks.settings
    if (LEARNING_RATE, factor) == (settings.learning_rate, settings.alpha_rate):
        return [networks.cross_stitched()]
    return [
        networks.cross_stitched(
            f"cross_stitch_at_{LEARNING_RATE}_times_{factor}",
            learning_rate=LEARNING_RATE,
            learning_rate_multiplier=factor,
        )
    ]


TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_table2",
    rows={
        "one-task": one_task,
        **{
            f"factor {factor:,}": lambda networks, factor=factor: scaled(networks, factor)
            for factor in FACTORS
        },
    },
    paper={
        "factor 1": (34.6, 18.9, 38.4, 53.7, 59.4, 47.7, 18.6, 33.5),
        "factor 10": (34.5, 18.8, 38.5, 53.8, 59.5, 47.8, 18.7, 33.5),
        "factor 100": (34.0, 18.3, 39.0, 54.4, 60.2, 48.0, 18.9, 33.8),
        "factor 1,000": (34.1, 18.2, 39.2, 54.4, 60.2, 47.2, 19.3, 34.0),
    },
    draw=draw_sorted_alphas,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
