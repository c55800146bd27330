"""One map of pixels as a picture: labels, surface normals or depth."""

import numpy as np

from keras_mtl._types import Array, Axes
from keras_mtl.plots._cells import class_colors
from keras_mtl.plots.pyplot import pyplot


def pixel_map(
    axes: Axes,
    values: Array,
    *,
    num_classes: int | None = None,
    void: int = 255,
    depth_range: tuple[float, float] | None = None,
) -> Axes:
    """Draws one map; what kind it is, its type and shape say.

    Args:
        axes: matplotlib axes.
        values: integer labels (height, width); unit normals (height, width, 3), drawn as colours;
            or depth in metres, floats (height, width) or (height, width, 1), black where it is
            unknown (not finite, or not above 0).
        num_classes: number of classes, for the colours of labels.
        void: label drawn black.
        depth_range: `(nearest, farthest)`, the depths in metres at the ends of the colour scale,
            which maps that are compared must share; those of the map if `None`.

    Returns:
        The axes.

    Raises:
        ValueError: `values` are none of these, or labels come without `num_classes` or out of its
            range.

    Example:

    >>> import matplotlib.pyplot as plt, numpy as np, keras_mtl.plots
    >>> depth = np.linspace(1.0, 5.0, 12).reshape(3, 4)
    >>> axes = keras_mtl.plots.pixel_map(plt.subplot(), depth, depth_range=(1, 8))
    """
    values = np.asarray(values)
    axes.set_axis_off()
    if is_depth(values):
        depth = known_depth(values)
        colours = pyplot().get_cmap("viridis").with_extremes(bad="black")
        nearest, farthest = depth_range or (None, None)
        axes.imshow(depth, cmap=colours, vmin=nearest, vmax=farthest)
    elif values.ndim == 3 and values.shape[-1] == 3:
        axes.imshow(np.clip((values + 1) / 2, 0, 1))
    elif values.ndim == 2 and np.issubdtype(values.dtype, np.integer):
        axes.imshow(label_colours(values, num_classes, void))
    else:
        raise ValueError(
            "`values` must be integer labels (height, width), unit normals (height, width, 3) or "
            f"depth, floats (height, width). Received: shape {values.shape} of {values.dtype}."
        )
    return axes


def is_depth(values):
    """Whether a map holds depths."""
    flat = values.ndim == 2 or values.ndim == 3 and values.shape[-1] == 1
    return flat and np.issubdtype(values.dtype, np.floating)


def known_depth(values):
    """Depths (height, width), masked where they are unknown."""
    depth = values.reshape(values.shape[:2])
    return np.ma.masked_where(~(np.isfinite(depth) & (depth > 0)), depth)


def label_colours(labels: Array, num_classes: int | None, void: int) -> Array:
    """Colours (height, width, 3) of labels, black where they are void."""
    known = labels != void
    unknown_classes = labels[known & ((labels < 0) | (labels >= (num_classes or 0)))]
    if unknown_classes.size:
        raise ValueError(
            f"`num_classes` must be above every label but the void one, {void}. "
            f"Received: num_classes={num_classes} for label {unknown_classes.max()}."
        )
    palette = class_colors(num_classes or 1)[:, :3]
    return np.where(known[..., None], palette[np.where(known, labels, 0)], 0.0)
