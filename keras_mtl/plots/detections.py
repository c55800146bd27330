"""Objects in a picture: class, score and attributes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array, Axes
from keras_mtl.plots._cells import class_colors
from keras_mtl.plots.pyplot import pyplot

FONT_SIZE = 7  # In points: a small picture has no smaller letters than a large one.


def detections(
    axes: Axes,
    image: Array,
    found: Mapping[str, ArrayLike],
    class_names: Sequence[str],
    attribute_names: Sequence[str] | None = None,
    score_threshold: float = 0.5,
    max_attributes: int = 3,
) -> Axes:
    """Draws a picture with the boxes of what was found in it.

    A label at each box has the class and its score, then the strongest attributes of those with a
    probability of 0.5 or more. It stands above the box, or below, or, where neither has room,
    inside. The best object is drawn last, on top of the others.

    Args:
        axes: matplotlib axes.
        image: array (height, width, 3) of pixels from 0 to 255.
        found: dict of arrays, as of `keras_mtl.boxes.detections`: `"boxes"` (D, 4) in pixels,
            `"classes"` (D,) from 1 on, `"scores"` (D,), and, with `attribute_names`,
            `"attributes"` (D, A) probabilities.
        class_names: names of the classes from 1 on; the background has none.
        attribute_names: names of the A attributes; by default none are drawn.
        score_threshold: least score of what is drawn.
        max_attributes: number of attributes at most that are written at an object.

    Returns:
        The axes.

    Raises:
        ValueError: the image or the attributes are of another shape, or a class has no name.

    Example:

    >>> import matplotlib.pyplot as plt, numpy as np, keras_mtl.plots
    >>> found = {"boxes": [[8, 8, 40, 56]], "classes": [2], "scores": [0.9]}
    >>> axes = keras_mtl.plots.detections(
    ...     plt.subplot(), np.zeros((64, 64, 3)), found, class_names=["cat", "dog"])
    """
    image, classes = np.asarray(image), np.asarray(found["classes"], int)
    if image.ndim != 3 or image.shape[-1] != 3:
        raise ValueError(f"`image` must be (height, width, 3). Received: shape {image.shape}.")
    if classes.size and not 1 <= classes.min() <= classes.max() <= len(class_names):
        raise ValueError(
            f"`found['classes']` must be from 1 to {len(class_names)}, the number of "
            f"`class_names`. Received: {np.unique(classes)}."
        )
    attributes, names = np.zeros((len(classes), 0)), attribute_names or ()
    if attribute_names is not None:
        attributes = np.asarray(found.get("attributes", attributes))
        if attributes.shape != (len(classes), len(attribute_names)):
            raise ValueError(
                f"`found['attributes']` must be ({len(classes)}, {len(attribute_names)}), for each "
                f"object one of each of `attribute_names`. Received: shape {attributes.shape}."
            )
    axes.imshow(np.clip(image, 0, 255).astype("uint8"))
    axes.set_axis_off()
    axes.apply_aspect()  # Only then its height is that of the picture.
    inches = axes.get_window_extent().height / axes.figure.dpi
    line_height = 1.4 * FONT_SIZE / 72 / inches * image.shape[0]
    palette = class_colors(len(class_names))
    boxes, scores = np.asarray(found["boxes"]), np.asarray(found["scores"])
    for row in np.argsort(scores, kind="stable"):
        if scores[row] < score_threshold:
            continue
        strongest = np.argsort(-attributes[row], kind="stable")[:max_attributes]
        label = [f"{class_names[classes[row] - 1]} {scores[row]:.2f}"]
        label += [names[each] for each in strongest if attributes[row, each] >= 0.5]
        _draw(axes, boxes[row], "\n".join(label), palette[classes[row] - 1], line_height)
    return axes


def _draw(axes, box, label, colour, line_height):
    (left, top, right, bottom), (lower, upper) = box, axes.get_ylim()  # y goes down.
    pixel = [left - 0.5, right - 0.5, top - 0.5, bottom - 0.5]  # Pixel 0 is from -0.5 to 0.5.
    axes.add_patch(
        pyplot().Rectangle(
            (pixel[0], pixel[2]), right - left, bottom - top, fill=False, color=colour, linewidth=2
        )
    )
    height = line_height * (label.count("\n") + 1)
    above, below = pixel[2] - upper >= height, lower - pixel[3] >= height
    at_right = left + right > sum(axes.get_xlim())
    axes.text(
        pixel[1] if at_right else pixel[0],
        pixel[3] if below and not above else pixel[2],
        label,
        horizontalalignment="right" if at_right else "left",
        verticalalignment="bottom" if above else "top",
        fontsize=FONT_SIZE,
        linespacing=1.1,
        clip_on=True,
        bbox={"facecolor": "white", "edgecolor": colour, "alpha": 0.9, "pad": 1},
    )
