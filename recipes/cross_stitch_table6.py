"""Cross-stitch networks, Table 6: what should detection and attributes share?

Misra et al., CVPR 2016, Table 6 and Figures 2 and 5.

    python -m recipes.cross_stitch_table6 --preset mini --seeds 1

trains one-task networks, an ensemble of two a task, two networks that split (before conv2 and
before fc7), MTL-shared, and the network stitched from the one-task networks, all Fast R-CNNs with
the same number of steps; and scores networks that were not trained. Detections are scored by VOC's
mean AP, attributes by their mean AP over the true boxes. Writes `results.json` and figures
(detections, gain for each attribute, alphas, splits) into the output folder. A run that was stopped
goes on where it was, also with more rows or seeds; `--rows "split conv3"` and so on take the other
splits of Figure 2.

`rooms` has no proposal method of its own: its regions are jittered true boxes and random ones, in
training and in the test, so that its detection scores compare networks with one another, not with
those on photographs. With `--data voc2008_attributes --data-dir FOLDER` they come from selective
search. The paper reports 45.2 and 63.0 mAP for cross-stitch against 44.9 and 60.9 for one-task
networks.
"""

import numpy as np

from keras_mtl import plots
from keras_mtl.recipes._detection import DETECTION
from keras_mtl.recipes._figures import draw_splits
from keras_mtl.recipes._table import Table, scored
from keras_mtl.recipes.cross_stitch_table5 import ensemble, one_task

SPLITS = ("conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "heads")
PICTURES = 4


def draw(table, networks, results, folder):
    """Draws detections, the gain for each attribute, alphas and splits, into the folder."""
    plt = plots.pyplot()
    known = {row: scored(results, row) for row in table.rows}
    compared = ("one-task", "cross-stitch")
    if all("0" in known[row] for row in compared):
        models = {row: table.rows[row](networks) for row in compared}
        detections(networks, models).savefig(folder / "detections.jpg", dpi=80)
        plots.stitch_units(models["cross-stitch"][0]).savefig(folder / "alphas.png", dpi=100)
        figure, axes = plt.subplots(figsize=(9, 4))
        gain_per_attribute(axes, networks, known)
        figure.tight_layout()
        figure.savefig(folder / "gain_per_attribute.png", dpi=100)
    draw_splits(table, results, SPLITS, folder)
    plt.close("all")


def detections(networks, models):
    """What each row's networks find in the first test pictures."""
    data, plt = networks.data, plots.pyplot()
    figure, axes = plt.subplots(len(models), PICTURES, figsize=(4 * PICTURES, 4 * len(models)))
    for line, (row, of_row) in zip(axes, models.items(), strict=True):
        found, _ = networks.predict(of_row, PICTURES)
        for number, (axis, each) in enumerate(zip(line, found, strict=True)):
            image = data.test["image"][number]
            plots.detections(axis, image, each, data.class_names, data.attribute_names)
            axis.set_title(row, fontsize=9)
    figure.tight_layout()
    return figure


def gain_per_attribute(axes, networks, known):
    """Figure 5: the mean over the seeds of what each attribute gains."""
    baseline, stitched = known["one-task"], known["cross-stitch"]
    gains = [
        np.array(stitched[seed]["attributes"]["ap"], float)
        - np.array(baseline[seed]["attributes"]["ap"], float)
        for seed in sorted(set(baseline) & set(stitched))
    ]
    counts = (np.concatenate(networks.data.train["attributes"]) == 1).sum(axis=0)
    names = networks.data.attribute_names
    return plots.gain_per_class(axes, names, np.mean(gains, axis=0), counts, unit="AP")


TABLE = Table(
    problem=DETECTION,
    recipe="cross_stitch_table6",
    rows={
        "untrained": lambda networks: networks.untrained(),
        "one-task": one_task,
        "ensemble": ensemble,
        **{
            f"split {stage}": lambda networks, stage=stage: [networks.split(stage)]
            for stage in SPLITS
        },
        "MTL-shared": lambda networks: [networks.latent_shared()],
        "cross-stitch": lambda networks: [networks.cross_stitched()],
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
    competing=tuple(f"split {stage}" for stage in SPLITS),
)

if __name__ == "__main__":
    TABLE.main(__doc__)
