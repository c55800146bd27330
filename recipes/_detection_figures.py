"""The figures of detection and attributes."""

import numpy as np

from keras_mtl import plots
from keras_mtl.recipes._comparison import BASELINE, scored
from keras_mtl.recipes._figures import draw_splits, mean_gains

PICTURES = 4


def draw(table, networks, results, folder):
    """Draws detections, the gain for each attribute, alphas and splits, into the folder."""
    plt = plots.pyplot()
    known = {row: scored(results, row) for row in table.rows}
    compared = (BASELINE, "cross-stitch")
    if all("0" in known[row] for row in compared):
        models = {row: table.models(row, networks) for row in compared}
        draw_detections(networks, models).savefig(folder / "detections.jpg", dpi=80)
        plots.stitch_units(models["cross-stitch"][0]).savefig(folder / "alphas.png", dpi=100)
        figure, axes = plt.subplots(figsize=(9, 4))
        draw_gain_per_attribute(axes, networks, known)
        figure.tight_layout()
        figure.savefig(folder / "gain_per_attribute.png", dpi=100)
    draw_splits(table, results, folder)
    plt.close("all")


def draw_detections(networks, models):
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


def draw_gain_per_attribute(axes, networks, known):
    """Figure 5: the mean over the seeds of what each attribute gains."""
    gains = mean_gains(known, "attributes", "ap")
    counts = (np.concatenate(networks.data.train["attributes"]) == 1).sum(axis=0)
    names = networks.data.attribute_names
    return plots.gain_per_class(axes, names, gains, counts, unit="AP")
