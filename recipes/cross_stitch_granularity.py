"""Cross-stitch networks: a unit for each channel, or one for the whole layer?

Misra et al., CVPR 2016, sections 5 and 6: per channel for segmentation and normals, per layer for
detection and attributes.

    keras-mtl train cross_stitch_granularity --preset mini --seeds 3

stitches the same one-task networks both ways, with the same factor on the alphas' rate: in `mini`
that which was chosen for a unit per channel. Prints the columns of Table 5, mean ± deviation over
the seeds, and draws the sorted alphas.

The paper gives no numbers for this comparison.

`mini` takes a minute a seed on 2 cores on top of `recipes.cross_stitch_table5`, whose networks it
takes from the same output folder.
"""

from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._figures import draw_sorted_alphas
from keras_mtl.recipes._rows import cross_stitch, one_task
from keras_mtl.recipes._table import Table

TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_granularity",
    rows={
        "one-task": one_task,
        "per layer": lambda networks: [
            networks.cross_stitched("cross_stitch_per_layer", per_channel=False)
        ],
        "per channel": cross_stitch,
    },
    paper={},
    draw=draw_sorted_alphas,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
