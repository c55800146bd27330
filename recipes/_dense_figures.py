"""The figures of dense tasks."""

import numpy as np

from keras_mtl import plots
from keras_mtl.recipes._comparison import BASELINE, scored
from keras_mtl.recipes._figures import draw_splits, mean_gains

PICTURES = 5


def draw(table, networks, results, folder):
    """Draws predictions, sorted alphas, gain for each class, and every split, into the folder."""
    plt = plots.pyplot()
    known = {row: scored(results, row) for row in table.rows}
    compared = (BASELINE, "cross-stitch")
    if all("0" in known[row] for row in compared):
        models = {row: table.models(row, networks) for row in compared}
        draw_predictions(networks, models).savefig(folder / "predictions.jpg", dpi=80)
        plots.stitch_units(models["cross-stitch"][0]).savefig(folder / "alphas.png", dpi=100)
        if "segmentation" in networks.tasks:
            figure, axes = plt.subplots(figsize=(8, 4))
            draw_gain_per_class(axes, networks, known)
            figure.tight_layout()
            figure.savefig(folder / "gain_per_class.png", dpi=100)
    draw_splits(table, results, folder)
    plt.close("all")


def draw_predictions(networks, models, tasks=None):
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


def draw_gain_per_class(axes, networks, known):
    """The mean over the seeds of what each class gains."""
    names = networks.data.class_names
    labels = networks.data.train["segmentation"]
    counts = sum(np.bincount(each.ravel(), minlength=256) for each in labels)[: len(names)]
    gains = mean_gains(known, "segmentation", "per_class_iu")
    return plots.gain_per_class(axes, names, gains, counts)
