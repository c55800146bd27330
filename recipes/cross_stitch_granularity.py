"""Cross-stitch networks: a unit for each channel, or one for the whole layer?

Misra et al., CVPR 2016, sections 5 and 6: per channel for segmentation and normals, per layer for
detection and attributes.

    python -m recipes.cross_stitch_granularity --preset mini --seeds 3

stitches the same one-task networks both ways, with the same factor on the alphas' rate: in `mini`
that which was chosen for a unit per channel. Prints the columns of Table 5, mean ± deviation over
the seeds. The paper gives no numbers for this comparison.
"""

from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._figures import draw_sorted_alphas
from keras_mtl.recipes._table import Table
from keras_mtl.recipes.cross_stitch_table5 import one_task

TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_granularity",
    rows={
        "one-task": one_task,
        "per layer": lambda networks: [
            networks.cross_stitched("cross_stitch_per_layer", per_channel=False)
        ],
        "per channel": lambda networks: [networks.cross_stitched()],
    },
    paper={},
    draw=draw_sorted_alphas,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
