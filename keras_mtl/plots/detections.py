"""Objects in a picture: class, score and attributes."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from keras_mtl._types import Array, Axes
from keras_mtl.plots._cells import class_colors
from keras_mtl.plots.pyplot import pyplot

FONT_SIZE = 7  # In points: a small picture has no smaller letters than a large one.
LETTER = 0.45  # Width of one, by the height of a line.


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
    probability of 0.5 or more. It stands above the box, or below, or inside: at the first of these
    places that has room, and where the label of no better object stands. The best object is drawn
    last, on top of the others.

    Args:
        axes: matplotlib axes.
        image: array (height, width, 3) of pixels from 0 to 255.
        found: dict of arrays, as of `keras_mtl.boxes.decode_detections`: `"boxes"` (D, 4) in
            pixels, `"classes"` (D,) from 1 on, `"scores"` (D,), and, with `attribute_names`,
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
    boxes, scores = np.asarray(found["boxes"], float), np.asarray(found["scores"])
    shown = [row for row in np.argsort(scores, kind="stable") if scores[row] >= score_threshold]
    labels, places = {}, {}
    for row in reversed(shown):  # The best choose their places first.
        strongest = np.argsort(-attributes[row], kind="stable")[:max_attributes]
        label = [f"{class_names[classes[row] - 1]} {scores[row]:.2f}"]
        label += [names[each] for each in strongest if attributes[row, each] >= 0.5]
        labels[row] = "\n".join(label)
        size = (LETTER * line_height * max(map(len, label)), line_height * len(label))
        places[row] = _place(axes, boxes[row] - 0.5, size, places.values())
    for row in shown:
        _draw(axes, boxes[row] - 0.5, labels[row], places[row], palette[classes[row] - 1])
    return axes


def _place(axes, box, size, taken):
    """Where a label of `(width, height)` stands: left, top, right, bottom, in pixels."""
    (first, last), (lower, upper) = axes.get_xlim(), axes.get_ylim()  # y goes down.
    (left, top, right, bottom), (width, height) = box, size
    lefts = [left, right - width]
    if left + right >= first + last:
        lefts.reverse()
    fitting = [
        (x, y, x + width, y + height)
        for y in (top - height, bottom, top, bottom - height)
        for x in lefts
        if y >= upper and y + height <= lower
    ]
    free = [
        place
        for place in fitting
        if first <= place[0] and place[2] <= last and not any(_meet(place, each) for each in taken)
    ]
    return [*free, *fitting, (lefts[0], top, lefts[0] + width, top + height)][0]


def _meet(one, other):
    return all(one[side] < other[side + 2] and other[side] < one[side + 2] for side in range(2))


def _draw(axes, box, label, place, colour):
    left, top, right, bottom = box
    axes.add_patch(
        pyplot().Rectangle(
            (left, top), right - left, bottom - top, fill=False, color=colour, linewidth=2
        )
    )
    at_right, below = place[0] != left, place[1] in (top, bottom)
    axes.text(
        place[2] if at_right else place[0],
        place[1] if below else place[3],
        label,
        horizontalalignment="right" if at_right else "left",
        verticalalignment="top" if below else "bottom",
        fontsize=FONT_SIZE,
        linespacing=1.1,
        clip_on=True,
        bbox={"facecolor": "white", "edgecolor": colour, "alpha": 0.9, "pad": 1},
    )
