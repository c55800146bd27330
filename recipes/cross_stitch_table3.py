"""Cross-stitch networks, Table 3: from which weights should the towers start?

Misra et al., CVPR 2016, section 5.3, Table 3.

    keras-mtl train cross_stitch_table3 --preset mini --seeds 3
    keras-mtl train cross_stitch_table3 --preset paper --data nyuv2 --data-dir FOLDER \\
      --weights bvlc_reference_caffenet.caffemodel

trains cross-stitched networks whose towers start from random weights, from a network that has
learned which classes a picture shows (labels of whole pictures, as ImageNet has them), and from
one-task networks. The first two are trained longer, by the steps of a one-task network. With
`--weights FILE`, CaffeNet's `.caffemodel` of ImageNet, all networks start from it, and the row
"from random" is the paper's "from ImageNet". Prints the paper's columns, mean ± deviation over the
seeds, and draws the sorted alphas.

On NYUv2 the paper reports 34.6° mean error and 17.7 mean IU from ImageNet, 34.1° and 19.3 from
one-task networks.

`mini` was not timed; it takes the one-task networks of `recipes.cross_stitch_table5` from the same
output folder.
"""

from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._figures import draw_sorted_alphas
from keras_mtl.recipes._rows import cross_stitch, one_task
from keras_mtl.recipes._table import Table

TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_table3",
    rows={
        "one-task": one_task,
        "from random": lambda networks: [
            networks.cross_stitched("cross_stitch_from_random", start="random")
        ],
        "from image labels": lambda networks: [
            networks.cross_stitched("cross_stitch_from_image_labels", start="image labels")
        ],
        "from one-task": cross_stitch,
    },
    paper={
        "from ImageNet": (34.6, 18.8, 38.6, 53.7, 59.4, 48.0, 17.7, 33.4),
        "from one-task": (34.1, 18.2, 39.0, 54.4, 60.2, 47.2, 19.3, 34.0),
    },
    draw=draw_sorted_alphas,
)

if __name__ == "__main__":
    TABLE.main(__doc__)
