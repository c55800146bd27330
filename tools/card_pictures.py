"""The pictures of the cards: the stages of every application."""

import keras

from keras_mtl import plots
from keras_mtl.applications.catalog import ENTRIES


def card_picture(name):
    """Draws the stages of an application: of the network that ships, or of the paper's size.

    Args:
        name: that of the application in the catalog.

    Returns:
        A matplotlib figure.
    """
    entry = ENTRIES[name]
    if not entry.trained.is_file():
        return plots.stages(entry.in_paper_size())
    return plots.stages(keras.models.load_model(entry.trained, compile=False))


def draw_cards(folder):
    """Writes the pictures of all applications, each a PNG that is named as the card."""
    for name, entry in ENTRIES.items():
        figure = card_picture(name)
        figure.savefig(folder / f"{entry.module}.png", dpi=110)
        plots.pyplot().close(figure)
