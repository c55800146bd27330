"""Tables drawn as cells, and colours to tell classes apart."""

import re

import numpy as np

from keras_mtl.plots.pyplot import pyplot


def name_cells(axes, rows, columns):
    """Names at the rows and columns of a picture of cells, which a white grid parts."""
    axes.set_yticks(range(len(rows)), rows)
    long = max(len(str(column)) for column in columns) > 2
    axes.set_xticks(range(len(columns)), columns, rotation=90 if long else 0)
    axes.set_xticks(np.arange(len(columns) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(rows) - 1) + 0.5, minor=True)
    axes.apply_aspect()  # Only then its size is that of the picture.
    box = axes.get_window_extent()
    # In points; each line of text needs its height, and a grid must not hide what it parts.
    room = 72 / axes.figure.dpi * min(box.width / len(columns), box.height / len(rows))
    axes.grid(which="minor", color="white", linewidth=min(2, 0.1 * room))
    axes.tick_params(which="both", length=0, labelsize=min(10, 0.85 * room))
    axes.spines[:].set_visible(False)


def class_colors(count):
    """Colours (count, 4) in which neighbouring classes are far apart in hue."""
    return pyplot().get_cmap("tab20")(np.arange(count) * 7 % 20 / 19.0)


def write_numbers(axes, values, colors):
    """Numbers (rows, columns), but not NaN, in cells of the colours (rows, columns, 3)."""
    brightness = colors @ [0.299, 0.587, 0.114]
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        # "z": what is rounded to zero has no sign.
        text = re.sub(r"^(-?)0\.", r"\1.", f"{float(value):z.2f}").replace("-", "−")
        color = "0.15" if brightness[row, column] > 0.45 else "white"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
