"""Predictions beside the truth, as pictures."""

from collections.abc import Mapping

import numpy as np

from keras_mtl._types import Array, Figure
from keras_mtl.plots.pixel_map import is_depth, known_depth, pixel_map
from keras_mtl.plots.pyplot import pyplot


def pixel_predictions(
    images: Array, columns: Mapping[str, Array], *, num_classes: int | None = None, void: int = 255
) -> Figure:
    """Draws a figure with a row for each image and a column for each map.

    All depths of a row share one colour scale, so that truth and predictions can be compared.

    Args:
        images: array (N, height, width, 3) of pixels from 0 to 255.
        columns: dict from a column's title to its maps: integer labels (N, height, width), unit
            normals (N, height, width, 3) or depth in metres (N, height, width), as in `pixel_map`.
        num_classes: number of classes, for the colours of labels.
        void: label drawn black.

    Returns:
        A matplotlib figure.

    Raises:
        ValueError: a column has another number of images, or maps that `pixel_map` refuses.

    Example:

    >>> import numpy as np, keras_mtl.plots
    >>> figure = keras_mtl.plots.pixel_predictions(
    ...     np.zeros((1, 8, 8, 3)), {"truth": np.zeros((1, 8, 8), int)}, num_classes=3)
    """
    for title, maps in columns.items():
        if len(maps) != len(images):
            raise ValueError(
                f"`columns[{title!r}]` must have a map for each of the {len(images)} images. "
                f"Received: {len(maps)}."
            )
    shape = (len(images), 1 + len(columns))
    figure, axes = pyplot().subplots(*shape, figsize=(2 * shape[1], 2 * shape[0]), squeeze=False)
    for row, image in enumerate(images):
        axes[row, 0].imshow(np.asarray(image).astype("uint8"))
        axes[row, 0].set_axis_off()
        maps = [np.asarray(column[row]) for column in columns.values()]
        options = {"num_classes": num_classes, "void": void, "depth_range": _depth_range(maps)}
        for axis, values in zip(axes[row, 1:], maps, strict=True):
            pixel_map(axis, values, **options)
    for axis, title in zip(axes[0], ["image", *columns], strict=True):
        axis.set_title(title, fontsize=9)
    figure.tight_layout(pad=0.4)
    return figure


def _depth_range(maps):
    """The smallest and the largest of all known depths, or `None` if there are none."""
    depths = [known_depth(values).compressed() for values in maps if is_depth(values)]
    depths = np.concatenate(depths) if depths else np.empty(0)
    return (depths.min(), depths.max()) if depths.size else None
