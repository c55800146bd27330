"""Predictions beside the truth, as pictures."""

import numpy as np

from keras_mtl.plots.pyplot import pyplot


def pixel_predictions(images, columns, *, num_classes, void=255):
    """Draws a figure with a row for each image and a column for each map.

    Args:
        images: array (N, height, width, 3) of pixels from 0 to 255.
        columns: dict from a column's title to its maps: integer labels (N, height, width), or
            unit normals (N, height, width, 3), drawn as colours.
        num_classes: number of classes, for the colours of labels.
        void: label drawn black.

    Returns:
        A matplotlib figure.

    Raises:
        ValueError: a column has another number of images.

    Example:

    >>> import numpy as np, keras_mtl.plots
    >>> figure = keras_mtl.plots.pixel_predictions(
    ...     np.zeros((1, 8, 8, 3)), {"truth": np.zeros((1, 8, 8), int)}, num_classes=3)
    """
    plt = pyplot()
    for title, maps in columns.items():
        if len(maps) != len(images):
            raise ValueError(
                f"`columns[{title!r}]` must have a map for each of the {len(images)} images. "
                f"Received: {len(maps)}."
            )
    # Neighbouring classes far apart in hue, so that thin objects stand out from what they are on.
    palette = plt.get_cmap("tab20")(np.arange(num_classes) * 7 % 20 / 19.0)[:, :3]
    shape = (len(images), 1 + len(columns))
    figure, axes = plt.subplots(*shape, figsize=(2 * shape[1], 2 * shape[0]), squeeze=False)
    for row, image in enumerate(images):
        axes[row, 0].imshow(np.asarray(image).astype("uint8"))
        for column, maps in enumerate(columns.values(), start=1):
            axes[row, column].imshow(_as_colours(np.asarray(maps[row]), palette, void))
    for axis, title in zip(axes[0], ["image", *columns], strict=True):
        axis.set_title(title, fontsize=9)
    for axis in axes.flat:
        axis.set_axis_off()
    figure.tight_layout(pad=0.4)
    return figure


def _as_colours(values, palette, void):
    if values.ndim == 3:
        return np.clip((values + 1) / 2, 0, 1)
    known = values != void
    return np.where(known[..., None], palette[np.where(known, values, 0)], 0.0)
