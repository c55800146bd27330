"""Cross-stitch networks, Table 5: what should segmentation and surface normals share?

Misra et al., CVPR 2016, Tables 4 and 5, Figures 2 and 6.

    python -m recipes.cross_stitch_table5 --preset mini --seeds 3

trains one-task networks, an ensemble of two a task, the network that splits at each layer (what
stands before is shared), MTL-shared, and the network stitched from the one-task networks. All have
the same number of steps (with `paper`, the joint networks those of the longer one-task training).
A split at conv1 shares nothing: that is the one-task row. Prints the paper's columns, mean ±
deviation over the seeds, and the mean relative gain in mean IU and mean angular error over the
one-task networks; the best split by that gain is marked, chosen on the test images. Writes
`results.json` and figures (predictions, sorted alphas, gain for each class, performance of every
split) into the output folder. A run that was stopped goes on where it was, also with other rows,
more seeds, or another of the `cross_stitch_…` tables.

`--tasks segmentation normals depth` stitches three towers. On the paper's data:

    python -m recipes.cross_stitch_table5 --preset paper --data nyuv2 --data-dir FOLDER

The small preset's rate and the factor of 10 on its alphas were chosen on the validation split, for
the one-task and the cross-stitched networks; the other rows take the same rate.
On NYUv2 the paper reports 34.1° mean error and 19.3 mean IU for cross-stitch against 34.8° and
18.4 for one-task networks. `mini` takes about 20 minutes a seed on 2 cores; `paper` days on one
GPU.
"""

import numpy as np

from keras_mtl import plots
from keras_mtl.recipes._dense import DENSE
from keras_mtl.recipes._figures import draw_splits
from keras_mtl.recipes._table import Table, scored

SPLITS = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "heads")
PICTURES = 5


def one_task(networks):
    return [networks.further(task) for task in networks.tasks]


def ensemble(networks):
    return [*one_task(networks), *(networks.further(task, member=1) for task in networks.tasks)]


def draw(table, networks, results, folder):
    """Draws predictions, sorted alphas, gain for each class, and every split, into the folder."""
    plt = plots.pyplot()
    known = {row: scored(results, row) for row in table.rows}
    compared = ("one-task", "cross-stitch")
    if all("0" in known[row] for row in compared):
        models = {row: table.rows[row](networks) for row in compared}
        predictions(networks, models).savefig(folder / "predictions.jpg", dpi=80)
        plots.stitch_units(models["cross-stitch"][0]).savefig(folder / "alphas.png", dpi=100)
        if "segmentation" in networks.tasks:
            figure, axes = plt.subplots(figsize=(8, 4))
            gain_per_class(axes, networks, known)
            figure.tight_layout()
            figure.savefig(folder / "gain_per_class.png", dpi=100)
    draw_splits(table, results, SPLITS, folder)
    plt.close("all")


def predictions(networks, models, tasks=None):
    """What each row's networks say of the first test pictures, beside the truth."""
    data = networks.data
    images = data.test["image"][:PICTURES]
    maps = {}
    found = {row: networks.predict(each, images.astype("float32")) for row, each in models.items()}
    for task in networks.tasks if tasks is None else tasks:
        maps[f"{task}\ntruth"] = data.test[task][:PICTURES]
        for row in models:
            values = found[row][task]
            maps[f"{task}\n{row}"] = values.argmax(-1) if task == "segmentation" else values
    return plots.pixel_predictions(images, maps, num_classes=len(data.class_names))


def gain_per_class(axes, networks, known):
    """The mean over the seeds of what each class gains."""
    names = networks.data.class_names
    labels = networks.data.train["segmentation"]
    counts = sum(np.bincount(each.ravel(), minlength=256) for each in labels)[: len(names)]
    baseline, stitched = known["one-task"], known["cross-stitch"]
    gains = [
        np.array(stitched[seed]["segmentation"]["per_class_iu"], float)
        - np.array(baseline[seed]["segmentation"]["per_class_iu"], float)
        for seed in sorted(set(baseline) & set(stitched))
    ]
    return plots.gain_per_class(axes, names, np.mean(gains, axis=0), counts)


TABLE = Table(
    problem=DENSE,
    recipe="cross_stitch_table5",
    rows={
        "one-task": one_task,
        "ensemble": ensemble,
        **{
            f"split {stage}": lambda networks, stage=stage: [networks.split(stage)]
            for stage in SPLITS
        },
        "MTL-shared": lambda networks: [networks.latent_shared()],
        "cross-stitch": lambda networks: [networks.cross_stitched()],
    },
    paper={
        "one-task": (34.8, 19.0, 38.3, 53.5, 59.2, 46.6, 18.4, 33.1),
        "ensemble": (34.4, 18.5, 38.7, 54.2, 59.7, 48.2, 18.9, 33.8),
        "split conv4": (34.7, 19.1, 38.2, 53.4, 59.2, 47.8, 19.2, 33.8),
        "MTL-shared": (34.7, 18.9, 37.7, 53.5, 58.8, 45.9, 16.6, 30.1),
        "cross-stitch": (34.1, 18.2, 39.0, 54.4, 60.2, 47.2, 19.3, 34.0),
    },
    draw=draw,
    competing=tuple(f"split {stage}" for stage in SPLITS),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
