"""Cross-stitch networks: units after pooling, or after every convolution?

Misra et al., CVPR 2016, section 5, "Cross-stitching".

    python -m recipes.cross_stitch_placement --preset mini --seeds 3

stitches the same one-task networks behind pool1, pool2, pool5, fc6 and fc7, and behind conv1 to
conv5, fc6 and fc7. Prints the columns of Table 5, mean ± deviation over the seeds. The paper found
that units after pooling do better, and gives no numbers.
"""

from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._figures import draw_sorted_alphas
from keras_mtl.recipes._table import Table
from keras_mtl.recipes.cross_stitch_table5 import one_task

CONVOLUTIONS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")

TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_placement",
    rows={
        "one-task": one_task,
        "after convolutions": lambda networks: [
            networks.cross_stitched("cross_stitch_convolutions", stitch_after=CONVOLUTIONS)
        ],
        "after pooling": lambda networks: [networks.cross_stitched()],
    },
    paper={},
    draw=draw_sorted_alphas,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
