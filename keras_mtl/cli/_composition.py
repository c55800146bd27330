"""A picture and what every task says of it, side by side."""

import dataclasses

import numpy as np

from keras_mtl import plots

HEIGHT = 2.6
"""Of every panel, in inches."""
WIDEST, NARROWEST = 2.2, 0.82
"""Width by height of a panel; pictures beyond have bars. Narrower ones have no room for titles."""
TITLE, KEY, LINE, GAP = 0.26, 0.3, 0.165, 0.12
"""In inches: the title's height, the key's least one, that of a line in it, between panels."""
MOST_IN_A_ROW = 4
MOST_CLASSES = 10
MOST_ATTRIBUTES = 2  # Of an object: more would hide the picture.
FONT = 7.5


@dataclasses.dataclass(frozen=True)
class Panel:
    """What is drawn in one place.

    Attributes:
        title: stands above it.
        draw: function of axes that draws it.
        key: `None`, or a function of `(figure, box, mappable)` that draws below what colours mean;
            the box is in inches: left, bottom, width, height; `mappable` is what `draw` returned.
        key_height: how high that is, in inches, as a function of the width in inches.
        aspect: width by height; that of the picture if `None`.
    """

    title: str
    draw: object
    key: object = None
    key_height: object = lambda width: 0.0
    aspect: float | None = None


def compose(picture, panels):
    """A figure of a picture, uint8 (h, w, 3), and of panels, all of one height."""
    panels = [Panel("picture", lambda axes: axes.imshow(picture)), *panels]
    aspect = picture.shape[1] / picture.shape[0]
    of_picture = float(np.clip(aspect, NARROWEST, WIDEST))
    columns = len(panels)
    if columns > MOST_IN_A_ROW:
        columns = -(-columns // -(-columns // MOST_IN_A_ROW))
    rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
    widths = [[HEIGHT * (panel.aspect or of_picture) for panel in row] for row in rows]
    keys = [
        max(panel.key_height(width) for panel, width in zip(row, row_widths, strict=True))
        for row, row_widths in zip(rows, widths, strict=True)
    ]
    size = (
        max(sum(row) + GAP * (len(row) + 1) for row in widths),
        sum(TITLE + HEIGHT + key + GAP for key in keys) + GAP / 2,
    )
    figure = plots.pyplot().figure(figsize=size)
    top = size[1]
    for row, row_widths, key in zip(rows, widths, keys, strict=True):
        left, bottom = GAP, top - TITLE - HEIGHT
        for panel, width in zip(row, row_widths, strict=True):
            axes = add_axes(figure, (left, bottom, width, HEIGHT))
            axes.set_axis_off()
            drawn = panel.draw(axes)
            if panel.aspect is None:
                axes.set_aspect("auto" if of_picture == aspect else "equal", anchor="W")
            title = {"ha": "left", "va": "bottom", "fontsize": 9, "fontweight": "bold"}
            figure.text(left / size[0], (bottom + HEIGHT + 0.05) / size[1], panel.title, **title)
            if panel.key is not None:
                panel.key(figure, (left, bottom - key, width, key), drawn)
            left += width + GAP
        top = bottom - key - GAP
    return figure


def add_axes(figure, box):
    """Axes at a box in inches: left, bottom, width, height."""
    width, height = figure.get_size_inches()
    return figure.add_axes([box[0] / width, box[1] / height, box[2] / width, box[3] / height])


def classes(title, labels, names):
    """A panel of labels (h, w); its key names the classes that are there, the largest first."""
    shares = np.bincount(labels.ravel(), minlength=len(names)) / labels.size
    shown = [each for each in np.argsort(-shares, kind="stable") if shares[each] > 0]
    others = len(shown) - MOST_CLASSES
    shown = shown[: MOST_CLASSES if others > 0 else None]
    lines = [f"{names[each]} {_percent(shares[each])}" for each in shown]
    palette = plots.pyplot().get_cmap("tab20")(np.arange(len(names)) * 7 % 20 / 19.0)
    colours = [palette[each] for each in shown]
    if others > 0:
        lines, colours = [*lines, f"{others} more"], [*colours, (1, 1, 1, 0)]

    def columns(width):
        return max(1, int(width / 1.15))

    def key(figure, box, drawn):
        axes = add_axes(figure, box)
        axes.set_axis_off()
        axes.set_xlim(0, box[2])
        axes.set_ylim(box[3], 0)
        count = columns(box[2])
        for number, (line, colour) in enumerate(zip(lines, colours, strict=True)):
            x, y = number % count * box[2] / count, 0.07 + LINE * (number // count)
            patch = plots.pyplot().Rectangle((x, y), 0.1, 0.1, color=colour, linewidth=0)
            axes.add_patch(patch)
            axes.text(x + 0.15, y + 0.05, line, fontsize=FONT, va="center_baseline")

    return Panel(
        title,
        lambda axes: plots.pixel_map(axes, labels, num_classes=len(names)),
        key,
        lambda width: 0.07 + LINE * -(-len(lines) // columns(width)),
    )


def normals(title, vectors):
    """A panel of unit normals (h, w, 3); its key is a ball with the colours of its sides."""

    def key(figure, box, drawn):
        side = KEY - 0.05
        axes = add_axes(figure, (box[0], box[1] + box[3] - KEY, side, side))
        axes.set_axis_off()
        y, x = np.mgrid[-1:1:60j, -1:1:60j]
        inside = x**2 + y**2 <= 1
        z = -np.sqrt(np.maximum(1 - x**2 - y**2, 0))
        colours = (np.stack([x, y, z], axis=-1) + 1) / 2
        axes.imshow(np.dstack([colours, inside]))
        place = (box[0] + side + 0.08, box[1] + box[3] - KEY + side / 2)
        place = [each / whole for each, whole in zip(place, figure.get_size_inches(), strict=True)]
        figure.text(*place, "colour: where it faces", fontsize=FONT, va="center")

    return Panel(title, lambda axes: plots.pixel_map(axes, vectors), key, lambda width: KEY)


def numbers(title, values, unit="", colours="viridis"):
    """A panel of a number for every pixel (h, w); its key is a scale."""
    low, high = np.percentile(values, (1, 99))  # A few pixels must not take all the colours.

    def draw(axes):
        return axes.imshow(values, cmap=colours, vmin=low, vmax=max(high, low + 1e-6))

    def key(figure, box, drawn):
        axes = add_axes(figure, (box[0], box[1] + box[3] - 0.14, box[2], 0.08))
        bar = figure.colorbar(drawn, cax=axes, orientation="horizontal")
        bar.outline.set_visible(False)
        axes.tick_params(labelsize=FONT, length=2, pad=1)
        axes.xaxis.set_major_locator(plots.pyplot().MaxNLocator(4))
        axes.xaxis.set_major_formatter(lambda value, place: f"{value:g}{unit}")
        for label in axes.get_xticklabels():
            label.set_clip_on(False)

    return Panel(title, draw, key, lambda width: KEY + 0.04)


def arrows(title, vectors):
    """A panel of vectors (h, w, 2): the hue is their direction, the brightness their length."""
    from matplotlib.colors import hsv_to_rgb

    angle = np.arctan2(vectors[..., 1], vectors[..., 0]) / (2 * np.pi) % 1
    length = np.linalg.norm(vectors, axis=-1)
    value = np.clip(length / max(np.percentile(length, 99), 1e-6), 0, 1)
    colours = hsv_to_rgb(np.stack([angle, np.ones_like(angle), value], axis=-1))
    return Panel(title, lambda axes: axes.imshow(colours))


def bars(title, probabilities, most=12):
    """A panel of the likeliest of a dict from name to probability, as bars."""
    likeliest = sorted(probabilities.items(), key=lambda each: -each[1])[:most]

    def draw(axes):
        for row, (name, value) in enumerate(likeliest):
            axes.barh(row, 1, color="0.93", height=0.62)
            axes.barh(row, value, color="C0" if value >= 0.5 else "0.65", height=0.62)
            axes.text(-0.03, row, name, ha="right", va="center", fontsize=FONT)
            axes.text(1.03, row, f"{100 * value:.0f} %", ha="left", va="center", fontsize=FONT)
        axes.set_xlim(-0.75, 1.25)
        axes.set_ylim(max(len(likeliest), 6) - 0.5, -0.5)

    return Panel(title, draw, aspect=1.0)


def objects(title, picture, found, class_names, attribute_names, score):
    """A panel of the picture with what was found in it."""

    def draw(axes):
        plots.detections(axes, picture, found, class_names, attribute_names, score, MOST_ATTRIBUTES)
        if not np.any(np.asarray(found["scores"]) >= score):
            x, y = picture.shape[1] / 2, picture.shape[0] / 2
            frame = {"facecolor": "white", "alpha": 0.9, "linewidth": 0}
            axes.text(x, y, "nothing found", ha="center", va="center", fontsize=8, bbox=frame)

    return Panel(title, draw)


def _percent(share):
    return "<1 %" if share < 0.005 else f"{100 * share:.0f} %"
