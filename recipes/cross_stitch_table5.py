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

Prints what it will train, and then the paper's columns, mean ± deviation over the seeds, and the
mean relative gain in mean IU and mean angular error over the one-task networks; the split that is
best by that gain on the validation images is marked. Writes `results.json` and figures
(predictions, sorted alphas, gain for each class, performance of every split) into the output
folder. A run that was stopped goes on where it was, also with other rows or more seeds.

On NYUv2 the paper reports 34.1° mean error and 19.3 mean IU for cross-stitch against 34.8° and
18.4 for one-task networks.

`mini` takes about 20 minutes a seed on 2 cores; `paper` days on one GPU.
"""

import dataclasses

from keras_mtl.applications.cross_stitch_fcn import AFTER
from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._dense_figures import draw
from keras_mtl.recipes._dense_study import dense_study, head_of
from keras_mtl.recipes._networks import DROPOUT
from keras_mtl.recipes._study_table import StudyTable
from keras_mtl.sharing import LatentShared
from keras_mtl.study import Contender, cross_stitch, ensemble, one_task, split

SPLITS = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "heads")


def latent_shared(settings, data, tasks):
    """MTL-shared: its dropout is before the basis, not in the heads."""
    return Contender(
        "MTL-shared",
        lambda seed: LatentShared(settings.latent_size, DROPOUT, seed=seed),
        heads={task: head_of(settings, data, task, head_dropout=0.0) for task in tasks},
    )


def stitched(settings, data, tasks):
    """The network stitched from the one-task networks."""
    stitched = cross_stitch(
        after=AFTER, alpha=settings.alpha, learning_rate_multiplier=settings.alpha_rate
    )
    return dataclasses.replace(stitched, soft=False)  # The paper's table has no twins.


TABLE = StudyTable(
    problem=DENSE,
    recipe="cross_stitch_table5",
    study=dense_study,
    rows={
        "one-task": lambda *run: one_task(),
        "ensemble": lambda *run: ensemble(),
        **{f"split {at}": lambda *run, at=at: split(at) for at in SPLITS},
        "MTL-shared": latent_shared,
        "cross-stitch": stitched,
    },
    paper={
        "one-task": (34.8, 19.0, 38.3, 53.5, 59.2, 46.6, 18.4, 33.1),
        "ensemble": (34.4, 18.5, 38.7, 54.2, 59.7, 48.2, 18.9, 33.8),
        "split conv4": (34.7, 19.1, 38.2, 53.4, 59.2, 47.8, 19.2, 33.8),
        "MTL-shared": (34.7, 18.9, 37.7, 53.5, 58.8, 45.9, 16.6, 30.1),
        "cross-stitch": (34.1, 18.2, 39.0, 54.4, 60.2, 47.2, 19.3, 34.0),
    },
    draw=draw,
    competing=tuple(f"split {at}" for at in SPLITS),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
