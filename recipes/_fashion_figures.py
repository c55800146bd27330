"""The figures of Multi-Fashion."""

from keras_mtl import plots
from keras_mtl.recipes._comparison import scored

PICTURES = 10


def draw(table, networks, results, folder):
    """Draws the first seed's predictions and alphas, into the folder."""
    rows = [row for row in table.rows if "0" in scored(results, row)]
    models = {row: table.models(row, networks) for row in rows}
    if models:
        draw_predictions(networks, models).savefig(folder / "predictions.png", dpi=80)
    if "cross-stitch" in models:
        plots.stitch_units(models["cross-stitch"][0]).savefig(folder / "alphas.png", dpi=100)
    plots.pyplot().close("all")


def draw_predictions(networks, models):
    """The first test pictures with what each row's networks say of them."""
    test, classes = networks.data.test, networks.data.class_names
    images = test["image"][:PICTURES]
    lines = {"truth": {task: test[task][:PICTURES] for task in networks.tasks}}
    for row, of_row in models.items():
        lines[row] = networks.predict(of_row, images)
    columns = PICTURES // 2
    figure, axes = plots.pyplot().subplots(2, columns, figsize=(2.4 * columns, 6.4))
    for axis in axes.flat:
        axis.set_axis_off()
    for index, (axis, image) in enumerate(zip(axes.flat, images, strict=False)):
        axis.imshow(image[..., 0], cmap="gray_r")
        said = {
            row: [labels[task][index] for task in networks.tasks] for row, labels in lines.items()
        }
        for line, (row, answers) in enumerate(said.items()):
            axis.text(
                0.0,
                -0.05 - 0.09 * line,
                f"{row}: {' / '.join(classes[answer] for answer in answers)}",
                transform=axis.transAxes,
                fontsize=8,
                verticalalignment="top",
                color="black" if answers == said["truth"] else "red",
            )
    figure.suptitle("top left / bottom right; red: at least one of them is wrong", fontsize=10)
    figure.subplots_adjust(left=0.02, right=0.98, top=0.93, bottom=0.15, hspace=0.5)
    return figure
