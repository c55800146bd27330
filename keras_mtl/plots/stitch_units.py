"""What all units of a stitched model have learned, in one figure."""

from keras import ops

from keras_mtl._types import Figure
from keras_mtl.layers import CrossStitch
from keras_mtl.multi_task_model import MultiTaskModel
from keras_mtl.plots.pyplot import pyplot
from keras_mtl.plots.sorted_alphas import sorted_alphas


def stitch_units(model: MultiTaskModel) -> Figure:
    """Draws the sorted alphas of every cross-stitch unit of a model, a panel each.

    Args:
        model: a `MultiTaskModel` with `CrossStitch` units.

    Returns:
        A matplotlib figure.

    Raises:
        ValueError: the model has no units.
    """
    units = {
        stage: unit
        for stage, unit in getattr(model, "units", {}).items()
        if isinstance(unit, CrossStitch)
    }
    if not units:
        raise ValueError(f"`model` must have CrossStitch units. Received: {model.name!r}.")
    figure, axes = pyplot().subplots(
        1, len(units), figsize=(3 * len(units), 3), sharey=True, squeeze=False
    )
    for axis, (stage, unit) in zip(axes[0], units.items(), strict=True):
        sorted_alphas(axis, ops.convert_to_numpy(unit.alpha), model.tasks)
        axis.set_title(stage)
    axes[0, 0].set_ylabel("alpha")
    axes[0, 0].legend(fontsize=6)
    figure.tight_layout()
    return figure
