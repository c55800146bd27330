"""Cross-stitch networks, Table 1: where should the alphas start?

Misra et al., CVPR 2016, section 5.1, Table 1, and the sorted alphas of Table 4.

    keras-mtl train cross_stitch_table1 --preset mini --seeds 3

stitches the same one-task networks with alphas that start at (same task, different task) = (0.1,
0.9), (0.5, 0.5), (0.7, 0.3) and (0.9, 0.1). Prints the paper's columns, mean ± deviation over the
seeds, and draws the sorted alphas that came of each start.

On NYUv2 the paper reports 34.6° mean error and 18.2 mean IU for (0.1, 0.9), 34.0° and 18.9 for
(0.9, 0.1).

`mini` takes 3 minutes a seed on 2 cores on top of `recipes.cross_stitch_table5`, whose networks it
takes from the same output folder.
"""

from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._figures import draw_sorted_alphas
from keras_mtl.recipes._rows import one_task
from keras_mtl.recipes._table import Table

STARTS = (0.1, 0.5, 0.7, 0.9)


def started_at(networks, same):
    different = round(1 - same, 1)
    if (same, different) == networks.settings.alpha:
        return [networks.cross_stitched()]
    name = f"cross_stitch_from_{same}"
    return [networks.cross_stitched(name, alpha=(same, different))]


TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_table1",
    rows={
        "one-task": one_task,
        **{
            f"({same}, {1 - same:.1f})": lambda networks, same=same: started_at(networks, same)
            for same in STARTS
        },
    },
    paper={
        "(0.1, 0.9)": (34.6, 18.8, 38.5, 53.7, 59.4, 47.9, 18.2, 33.3),
        "(0.5, 0.5)": (34.4, 18.8, 38.5, 53.7, 59.5, 47.2, 18.6, 33.8),
        "(0.7, 0.3)": (34.0, 18.3, 38.9, 54.3, 60.1, 48.0, 18.6, 33.6),
        "(0.9, 0.1)": (34.0, 18.3, 39.0, 54.4, 60.2, 48.2, 18.9, 34.0),
    },
    draw=draw_sorted_alphas,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
