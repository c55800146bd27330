"""Cross-stitch networks, Table 5: what should segmentation and surface normals share?

Misra et al., CVPR 2016, Tables 4 and 5, Figures 2 and 6.

    keras-mtl train cross_stitch_table5 --preset mini --seeds 3
    keras-mtl train cross_stitch_table5 --preset paper --data nyuv2 --data-dir FOLDER

trains one-task networks, an ensemble of two a task, the network that splits at each layer (what
stands before is shared), MTL-shared, and the network stitched from the one-task networks. All have
the same number of steps (with `paper`, the joint networks those of the longer one-task training).
A split at conv1 shares nothing: that is the one-task row. `--tasks segmentation normals depth`
stitches three towers. The small preset's rate and the factor of 10 on its alphas were chosen on the
validation split, for the one-task and the cross-stitched networks; the other rows take the same
rate.

Prints the paper's columns, mean ± deviation over the seeds, and the mean relative gain in mean IU
and mean angular error over the one-task networks; the best split by that gain is marked, chosen on
the test images. Writes `results.json` and figures (predictions, sorted alphas, gain for each class,
performance of every split) into the output folder. A run that was stopped goes on where it was,
also with other rows, more seeds, or another of the `cross_stitch_…` tables.

On NYUv2 the paper reports 34.1° mean error and 19.3 mean IU for cross-stitch against 34.8° and
18.4 for one-task networks.

`mini` takes about 20 minutes a seed on 2 cores; `paper` days on one GPU.
"""

from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._dense_figures import draw
from keras_mtl.recipes._rows import cross_stitch, ensemble, latent_shared, one_task, splits
from keras_mtl.recipes._table import Table

SPLITS = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "heads")


TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_table5",
    rows={
        "one-task": one_task,
        "ensemble": ensemble,
        **splits(SPLITS),
        "MTL-shared": latent_shared,
        "cross-stitch": cross_stitch,
    },
    paper={
        "one-task": (34.8, 19.0, 38.3, 53.5, 59.2, 46.6, 18.4, 33.1),
        "ensemble": (34.4, 18.5, 38.7, 54.2, 59.7, 48.2, 18.9, 33.8),
        "split conv4": (34.7, 19.1, 38.2, 53.4, 59.2, 47.8, 19.2, 33.8),
        "MTL-shared": (34.7, 18.9, 37.7, 53.5, 58.8, 45.9, 16.6, 30.1),
        "cross-stitch": (34.1, 18.2, 39.0, 54.4, 60.2, 47.2, 19.3, 34.0),
    },
    draw=draw,
    competing=tuple(splits(SPLITS)),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
