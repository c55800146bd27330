"""Cross-stitch networks: units after pooling, or after every convolution?

Misra et al., CVPR 2016, section 5, "Cross-stitching".

    keras-mtl train cross_stitch_placement --preset mini --seeds 3

stitches the same one-task networks behind pool1, pool2, pool5, fc6 and fc7, and behind conv1 to
conv5, fc6 and fc7. Prints the columns of Table 5, mean ± deviation over the seeds, and draws the
sorted alphas.

The paper found that units after pooling do better, and gives no numbers.

`mini` takes a minute a seed on 2 cores on top of `recipes.cross_stitch_table5`, whose networks it
takes from the same output folder.
"""

from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._figures import draw_sorted_alphas
from keras_mtl.recipes._rows import cross_stitch, one_task
from keras_mtl.recipes._table import Table

CONVOLUTIONS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")

TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_placement",
    rows={
        "one-task": one_task,
        "after convolutions": lambda networks: [
            networks.cross_stitched("cross_stitch_convolutions", after=CONVOLUTIONS)
        ],
        "after pooling": cross_stitch,
    },
    paper={},
    draw=draw_sorted_alphas,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
