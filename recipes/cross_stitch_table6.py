"""Cross-stitch networks, Table 6: what should detection and attributes share?

Misra et al., CVPR 2016, Table 6 and Figures 2 and 5.

    keras-mtl train cross_stitch_table6 --preset mini --seeds 1
    keras-mtl train cross_stitch_table6 --preset paper --data voc2008_attributes --data-dir FOLDER

trains one-task networks, an ensemble of two a task, two networks that split (before conv2 and
before fc7), MTL-shared, and the network stitched from the one-task networks, all Fast R-CNNs with
the same number of steps; and scores networks that were not trained. `--rows "split conv3"` and so
on take the other splits of Figure 2. `rooms` has no proposal method of its own: its regions are
jittered true boxes and random ones, in training and in the test, so that its detection scores
compare networks with one another, not with those on photographs. With `voc2008_attributes` they
come from selective search.

Prints VOC's mean AP of detections, and the mean AP of attributes over the true boxes. Writes
`results.json` and figures (detections, gain for each attribute, alphas, splits) into the output
folder. A run that was stopped goes on where it was, also with more rows or seeds.

The paper reports 45.2 and 63.0 mAP for cross-stitch against 44.9 and 60.9 for one-task networks.

`mini` takes 13 minutes a seed on 2 cores.
"""

from keras_mtl.recipes._detection import DETECTION
from keras_mtl.recipes._detection_figures import draw
from keras_mtl.recipes._rows import cross_stitch, ensemble, latent_shared, one_task, splits
from keras_mtl.recipes._table import Table

SPLITS = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "heads")


TABLE = Table(
    problem=DETECTION,
    recipe="cross_stitch_table6",
    rows={
        "untrained": lambda networks: networks.untrained(),
        "one-task": one_task,
        "ensemble": ensemble,
        **splits(SPLITS),
        "MTL-shared": latent_shared,
        "cross-stitch": cross_stitch,
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
    draw=draw,
    competing=tuple(splits(SPLITS)),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
